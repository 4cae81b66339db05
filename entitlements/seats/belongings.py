"""What of seats goes along when a member is merged into another: those she owns, and the one she holds."""

from django.utils.translation import gettext_lazy as _

from entitlements.seats.models import Seat, SeatGroup
from members.merging.belongings import BELONGINGS, Belonging


def register_all() -> None:
    """Called once, when the app is ready. Of two open seats the one held longer stays: a member holds one."""
    BELONGINGS.register(Belonging(SeatGroup, _("Families and teams")))
    BELONGINGS.register(
        Belonging(Seat, _("Seats"), equal_by=["end_reason"], among="ended_at IS NULL", prefer="given_at")
    )
