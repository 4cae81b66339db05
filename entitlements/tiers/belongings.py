"""What of entitlements goes along when a member is merged into another."""

from django.utils.translation import gettext_lazy as _

from entitlements.tiers.models import ManualTier, TierChange, TierStanding
from members.merging.belongings import BELONGINGS, Belonging, register_staying


def register_all() -> None:
    """Called once, when the app is ready."""
    # One in force a member, whichever tier: of two the one that lasts longer.
    BELONGINGS.register(
        Belonging(
            ManualTier, _("Tiers given by hand"), equal_by=["ended_at"], among="ended_at IS NULL",
            prefer="until DESC NULLS FIRST",
        )
    )  # fmt: skip
    register_staying(TierStanding, "member", "assessed again from the facts, which move")
    register_staying(TierChange, "member", "append-only: the log says what was so at the time")
