"""The audit actions of seats, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
    "seat_plan.saved": _("Seats of a plan saved"),
    "seat.given": _("Seat given"),
    "seat.ended": _("Seat ended"),
}
