"""A small base for tests of what operations see: two tiers, three benefits, members in cover."""

from datetime import datetime, timedelta
from typing import Any

from entitlements.benefits.models import Benefit, LadderVersion, TierBenefit
from entitlements.grants.operations.settling import settle_members
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.recording import record_usage
from members.people.models import Member
from members.plans.models import Plan
from tests import factories

HOUR = timedelta(hours=1)


def make_benefit(*, at: datetime, **values: Any) -> Benefit:
    return Benefit.objects.create(**{"kind": "quota", "created_at": at, **values})


def give_cell(benefit: Benefit, tier: Any, amount: int | None = None, **values: Any) -> TierBenefit:
    """A cell of the ladder in force."""
    ladder = LadderVersion.objects.get(status="active")
    return TierBenefit.objects.create(version=ladder, tier=tier, benefit=benefit, amount=amount, **values)


class Base:
    """``plan`` gives 10 downloads a month, and AI export; whoever has no cover has neither."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.plan: Plan = factories.PlanFactory()
        self.downloads = make_benefit(at=at, code="downloads", name="Downloads", is_core=True, worth_cents=100)
        self.export = make_benefit(at=at, code="export", name="Export", worth_cents=500, cost_cents=50)
        give_cell(self.downloads, self.plan.tier, 10)
        give_cell(self.export, self.plan.tier, 3)

    def member(self, **values: Any) -> Member:
        """In cover for ten days, and settled."""
        member = factories.make_member(at=self.at - timedelta(days=20), **values)
        factories.make_term(member=member, at=self.at - timedelta(days=10), plan=self.plan)
        self.settle(member)
        return member

    def settle(self, *members: Member) -> None:
        settle_members(member_ids=[member.pk for member in members], at=self.at)

    def use(self, member: Member, benefit: Benefit, *, times: int = 1, days_ago: float = 1, amount: int = 1) -> int:
        """Uses recorded as a history, an hour apart."""
        first = self.at - timedelta(days=days_ago)
        rows = [
            {
                "member_id": member.pk, "benefit_id": benefit.pk, "used_at": first + n * HOUR, "amount": amount,
                "key": f"{member.pk}-{benefit.pk}-{days_ago}-{n}",
            }
            for n in range(times)
        ]  # fmt: skip
        return record_usage(rows=rows, at=self.at, origin=UsageRecord.Origin.EVENT)
