"""Why a seat is not given or cannot follow its owner, and what to do."""

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

# Of what the operations on terms refuse.
FAULTS: Mapping[str, str | Promise] = {
    "beyond_calendar": _("What waits behind the cover would end beyond what the calendar holds."),
    "no_time_left": _("The time of this cover is over."),
    "external_ref_taken": _("Another booking has the order number of this cover."),
    "member_merged": _("Owner or holder was just merged into another member."),
    "database": _("Records stand against it; the server's log says which."),
}


def fault_text(code: str) -> str:
    """Why a seat cannot follow, in a sentence."""
    return str(FAULTS.get(code, FAULTS["database"]))
