"""What grants bring along."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from entitlements.grants import consequences
from entitlements.grants.models import Balance, Grant, Lot, Standing
from members.imports.operations.undo import FOLLOWERS, Follower
from members.people.belongings import BELONGINGS, Belonging, register_staying

_FROM_HER_TERMS = [Grant.Source.TERM, Grant.Source.GRACE, Grant.Source.TIER, Grant.Source.FREE]


def register() -> None:
    """Called once, when the app is ready.

    Of a merged member the balance is made anew from the grants and lots that moved. When the import that created a
    member is undone, what the engine made of her terms goes along with her; what a person gave or took forbids it.
    """
    consequences.register()
    BELONGINGS.register(
        Belonging(Grant, _("Grants"), equal_by=["benefit_id", "source", "source_id"], among="voided_at IS NULL")
    )
    BELONGINGS.register(
        Belonging(Lot, _("Used amounts"), equal_by=["benefit_id", "bucket", "opens_at"], prefer="used DESC")
    )
    register_staying(Balance, "member", "made again from the grants and lots, which move")
    register_staying(Standing, "member", "found again from the terms, which move and say so in their log")
    by_hand = ~Q(source__in=_FROM_HER_TERMS) | Q(void_reason=Grant.VoidReason.HAND)
    FOLLOWERS.register(Follower(Grant, blocking=by_hand))
    # Used up is what a usage record says, and each of these forbids it.
    for made_by_engine in (Standing, Lot, Balance):
        FOLLOWERS.register(Follower(made_by_engine, blocking=Q(member=None)))
