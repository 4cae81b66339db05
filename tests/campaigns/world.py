"""Members whose paid terms end when a test wants, made through the product's own operations."""

from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.models import MessageIntent
from members.people.rules import last_day, local_date
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from members.terms.rules import add_months
from tests import factories

SHANGHAI = "Asia/Shanghai"
# 2026-11-16, 12:00 in Shanghai, as everywhere in the tests.
AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)


def member_ending(ends_at: datetime, **values: Any) -> MembershipTerm:
    """A member with one paid month whose last day is that of ``ends_at``; returns the term."""
    starts_at = ends_at.replace(year=add_months(ends_at.date(), -1).year, month=add_months(ends_at.date(), -1).month)
    auto_renewal = values.pop("auto_renewal", None)
    member = factories.make_member(at=starts_at - timedelta(days=1), **values)
    term = terms.purchase(
        member_id=member.pk,
        plan=factories.PlanFactory(code="monthly"),
        at=starts_at,
        actor=None,
        auto_renewal=auto_renewal,
    )
    zone = member.lifecycle.time_zone or SHANGHAI
    assert last_day(term.ends_at, zone) == local_date(ends_at, zone), (term.ends_at, ends_at)
    return term


def messages(term: MembershipTerm) -> dict[str, str]:
    """Status by step of a term's messages; with the reason behind it when there is one."""
    rows = MessageIntent.objects.filter(member_id=term.member_id, occurrence=term.pk).order_by("due_at", "step_key")
    return {row.step_key: f"{row.status}:{row.reason}" if row.reason else row.status for row in rows}
