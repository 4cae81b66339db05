"""Benefits and a ladder in force, for the tests of entitlements."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from entitlements.benefits.models import Benefit, LadderVersion, PlanBenefit, TierBenefit
from entitlements.grants.models import Balance, Grant
from entitlements.grants.operations.settling import settle_members
from members.people.models import Member
from members.plans.models import Plan, Tier

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
_serial = count(1)


def make_benefit(**values: Any) -> Benefit:
    """A quota by the calendar month with a hard limit, unless said otherwise."""
    n = next(_serial)
    return Benefit.objects.create(
        **{"code": f"benefit-{n}", "name": f"Benefit {n}", "kind": "quota", "created_at": AT, **values}
    )


def give(benefit: Benefit, on: Tier | Plan | None, amount: int | None = None, **values: Any) -> None:
    """A cell of the ladder in force, written plainly."""
    version = LadderVersion.objects.get(status="active")
    if isinstance(on, Plan):
        PlanBenefit.objects.create(version=version, plan=on, benefit=benefit, amount=amount, **values)
    else:
        TierBenefit.objects.create(version=version, tier=on, benefit=benefit, amount=amount, **values)


def balance(member: Member, benefit: Benefit, at: datetime) -> Balance:
    """The balance as it is at ``at``, settled first."""
    settle_members(member_ids=[member.pk], at=at)
    return Balance.objects.get(member=member, benefit=benefit)


def grant(member: Member, benefit: Benefit, at: datetime, **values: Any) -> Grant:
    """A grant by hand, once and for good unless said otherwise."""
    return Grant.objects.create(
        member=member, benefit=benefit, **{"source": "manual", "recurs": False, "amount": 1, "anchor_at": at,
        "effective_at": at, "created_at": at, **values},
    )  # fmt: skip
