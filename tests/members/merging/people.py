"""Members with histories to merge, and every row of the database that a merge may touch."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from campaigns.models import Campaign, Enrollment, MessageIntent
from members.events.models import TraitStamp
from members.events.operations.recording import record_events
from members.people.belongings import BELONGINGS
from members.people.models import Consent, Identity, Member
from members.people.operations import people
from members.segments.models import Segment, SegmentMembership
from members.tags.models import MemberTag
from members.terms.operations import terms
from tests import factories

DAY = timedelta(days=1)
# The engine's own: judged anew after each of the two acts. And the remembered active day, which either may forget.
JUDGED = {
    "resume_state", "transition_id", "state_since", "assessed_at", "next_due_at", "target_state", "target_rule",
    "active_on", "active_since",
}  # fmt: skip


def make_person(at: datetime, number: int, **profile: Any) -> Member:
    identities = {"external_id": f"x{number}", "email": f"p{number}@example.com", "phone": f"1390000{number:04}"}
    return people.create_member(actor=None, at=at, identities=profile.pop("identities", identities), **profile)


def give_term(member: Member, at: datetime, *, kind: str = "paid") -> None:
    verb = terms.purchase if kind == "paid" else terms.give_term
    verb(member_id=member.pk, plan=factories.PlanFactory(code="month"), at=at, actor=None)


def give_events(member: Member, instants: list[datetime], *, prefix: str = "e") -> None:
    rows = [
        {"member_id": member.pk, "name": "opened", "occurred_at": at, "message_id": f"{prefix}-{member.pk}-{n}"}
        for n, at in enumerate(instants)
    ]
    record_events(rows=rows, source=factories.SourceFactory(), at=max(instants, default=datetime.max))


def give_the_rest(member: Member, at: datetime, draws: dict[str, Any]) -> None:
    """Consents, tags, stamps, WeChat ids, stays and messages as the draws say."""
    for channel, granted, day in draws["consents"]:
        Consent.objects.create(
            member=member, channel=channel, is_granted=granted, changed_at=at - day * DAY, source="test"
        )
    for code, day, is_open in draws["tags"]:
        until = None if is_open else at - day * DAY + DAY / 2
        if until or not member.tags.filter(code=code, until__isnull=True).exists():
            MemberTag.objects.create(member=member, code=code, since=at - day * DAY, until=until)
    for name, day in draws["stamps"]:
        TraitStamp.objects.create(member=member, name=name, stated_at=at - day * DAY, message_id=f"s{day}")
    for n in range(draws["openids"]):
        Identity.objects.create(member=member, kind="openid", value=f"o{member.pk}-{n}", created_at=at)
    for segment in Segment.objects.filter(pk__in=draws["segments"]):
        SegmentMembership.objects.create(segment=segment, member=member, entered_at=at - DAY)
    campaign = Campaign.objects.select_related("current_version").get(code="renewal-cadence")
    for occurrence, status in draws["messages"]:
        Enrollment.objects.create(
            member=member, campaign=campaign, version=campaign.current_version, occurrence=occurrence, anchor_at=at,
            entered_at=at,
        )  # fmt: skip
        MessageIntent.objects.create(
            member=member, campaign=campaign, version=campaign.current_version, occurrence=occurrence, step_key="d7",
            channel="email", due_at=at, expires_at=at + DAY, planned_at=at, status=status,
            reason="past_when_planned" if status == "expired" else "",
        )  # fmt: skip


def every_row() -> dict[str, list[Any]]:
    """Every belonging's table, the members and their lifecycle rows, in full."""
    tables = [belonging.table for belonging in BELONGINGS] + ["members_member", "members_segment"]
    found = {table: _read(f"SELECT to_jsonb(t) FROM {table} t") for table in tables}
    found["lifecycle"] = [
        {name: value for name, value in row.items() if name not in JUDGED}
        for row in _read("SELECT to_jsonb(t) FROM members_memberlifecycle t")
    ]
    return {table: sorted(rows, key=repr) for table, rows in found.items()}


def _read(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [json.loads(row) if isinstance(row, str) else row for (row,) in cursor.fetchall()]
