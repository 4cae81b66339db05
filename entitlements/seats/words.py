"""Why a seat is not given, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "self": _("This is the owner; a seat is for somebody else."),
    "member_gone": _("This member was just merged into another one. Open the other one and try again."),
    "brings_none": _("The owner has no running membership that brings seats. Book one, or choose another owner."),
    "full": _("Every seat is in use. Take one back, or set more seats for the plan."),
    "has_seat": _("The member holds a seat of another owner. End that one first."),
    "has_cover": _("The member has a membership of their own, running or booked. Give the seat when it is over."),
}
