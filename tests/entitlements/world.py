"""A ladder to settle members by: cells and additions written into the version in force, and versions after it."""

from datetime import datetime
from typing import Any

from config.engine.moves import make_move
from config.engine.reviewed.lifecycle import RETIRE
from entitlements.benefits.models import Benefit, LadderVersion, PlanBenefit, TierBenefit
from entitlements.grants.models import Balance, Grant
from entitlements.grants.operations.settling import settle_members
from members.people.models import Member
from members.plans.models import Plan, Tier
from tests.members.world import moment


class Ladder:
    def __init__(self) -> None:
        self.version = LadderVersion.objects.get(status=LadderVersion.Status.ACTIVE)

    def benefit(self, code: str, **values: Any) -> Benefit:
        values = {"kind": "quota", "period": "month", "is_by_calendar": False} | values
        return Benefit.objects.create(code=code, name=code.title(), created_at=moment(0), **values)

    def cell(self, tier: Tier | None, benefit: Benefit, amount: int | None = None, **values: Any) -> TierBenefit:
        return TierBenefit.objects.create(version=self.version, tier=tier, benefit=benefit, amount=amount, **values)

    def addition(self, plan: Plan, benefit: Benefit, amount: int | None = None, **values: Any) -> PlanBenefit:
        return PlanBenefit.objects.create(version=self.version, plan=plan, benefit=benefit, amount=amount, **values)

    def next(self, at: datetime) -> None:
        """An empty version is in force from now on."""
        make_move(self.version, RETIRE)
        self.version.save()
        version = LadderVersion.objects.create(
            version=self.version.version + 1, status=LadderVersion.Status.ACTIVE, created_at=at, activated_at=at
        )
        self.version = version


def settle(member: Member, at: datetime) -> None:
    settle_members(member_ids=[member.pk], at=at)


def balance(member: Member, benefit: Benefit) -> tuple[int | None, int]:
    """What is granted and used now; nothing where there is no access."""
    row = Balance.objects.filter(member=member, benefit=benefit, is_open=True).first()
    return (row.granted, row.used) if row else (0, 0)


def give(member: Member, benefit: Benefit, amount: int, at: datetime, **values: Any) -> Grant:
    """A one-off amount by hand."""
    values = {"source": "manual", "recurs": False, "anchor_at": at, "effective_at": at, "created_at": at} | values
    return Grant.objects.create(member=member, benefit=benefit, amount=amount, **values)
