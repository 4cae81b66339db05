"""What grants bring along."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from entitlements.grants import consequences
from entitlements.grants.models import Balance, Grant, Lot, Standing
from entitlements.grants.operations.settling import settle_members
from members.imports.operations.undo import FOLLOWERS, Follower
from members.people.belongings import BELONGINGS, ENGINES, Belonging, Engine, register_staying

_FROM_HER_TERMS = [Grant.Source.TERM, Grant.Source.GRACE, Grant.Source.TIER, Grant.Source.FREE]


def register() -> None:
    """Called once, when the app is ready.

    Of a merged member the balance is made anew from the grants and lots that moved. When the import that created a
    member is undone, what the engine made of her terms goes along with her; what a person gave or took forbids it.
    """
    consequences.register()
    # What the ladder gives both, it gives once; whatever else was given to either is the survivor's.
    BELONGINGS.register(
        Belonging(
            Grant, _("Grants"), equal_by=["benefit_id", "source", "source_id"],
            among="voided_at IS NULL AND source IN ('term', 'grace', 'tier', 'free')",
        )
    )  # fmt: skip
    # What both used of one allowance was used of it. Taken apart, each has used their own again but for what was given
    # back, and the survivor what came after: a unit's number says whose use it is. What was used of one grant lies with
    # it.
    BELONGINGS.register(
        Belonging(
            Lot, _("Used amounts"), equal_by=["benefit_id", "bucket", "opens_at"],
            combine={
                "used": (
                    "t.used + o.used",
                    "greatest(t.used - o.used + entitlements_length(o.units - t.units), 0)",
                    "greatest(o.used - entitlements_length(o.units - t.units), 0)",
                ),
                "units": ("t.units + o.units", "t.units - o.units", "o.units * t.units"),
                "amount": ("t.amount + o.amount", "t.amount - o.amount", "o.amount"),
            },
            copied="bucket <= 0",
        )
    )  # fmt: skip
    ENGINES.register(Engine("grants", _settle, kept=[Standing]))
    register_staying(Balance, "member", "made again from the grants and lots, which move")
    register_staying(Standing, "member", "found again from the terms, which move; kept in the merge's record")
    by_hand = ~Q(source__in=_FROM_HER_TERMS) | Q(void_reason=Grant.VoidReason.HAND)
    FOLLOWERS.register(Follower(Grant, blocking=by_hand))
    # Used up is what a usage record says, and each of these forbids it.
    for made_by_engine in (Standing, Lot, Balance):
        FOLLOWERS.register(Follower(made_by_engine, blocking=Q(member=None)))


def _settle(member_ids: Sequence[int], at: datetime) -> None:
    settle_members(member_ids=member_ids, at=at)
