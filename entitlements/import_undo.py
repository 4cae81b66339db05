"""What of a member's benefits and tiers stands in the way when the import that created her is undone.

What the engines made of her terms goes along with her; what a person or a program did about her forbids it, as does
every model not named here.
"""

from django.db.models import Q

from entitlements.grants.models import Balance, Grant, Lot, Standing
from entitlements.memory.models import EntitlementSnapshot
from entitlements.tiers.models import TierChange, TierStanding
from members.imports.operations.undo import FOLLOWERS, Follower

_FROM_HER_TERMS = [Grant.Source.TERM, Grant.Source.GRACE, Grant.Source.TIER, Grant.Source.FREE]


def register() -> None:
    """Called once, when the app is ready."""
    by_hand = ~Q(source__in=_FROM_HER_TERMS) | Q(void_reason=Grant.VoidReason.HAND)
    FOLLOWERS.register(Follower(Grant, blocking=by_hand))
    # Used up is what a usage record says, and each of these forbids it.
    for made_by_engine in (Standing, Lot, Balance, EntitlementSnapshot, TierStanding, TierChange):
        FOLLOWERS.register(Follower(made_by_engine, blocking=Q(member=None)))
