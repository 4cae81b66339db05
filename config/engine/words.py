"""Why a step of a reviewed version is refused."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "no_preview": _("Look at the preview first: nobody approves what was not looked at."),
    "same_person": _("You wrote, changed or submitted part of this version, so somebody else has to approve it."),
    "reason_needed": _("You are the only one who may approve. Say why you approve your own version."),
    "not_waiting": _("Somebody else decided meanwhile; the page shows how it stands now."),
    "past": _("That moment is over; leave it empty for at once."),
    "unchanged": _("Nothing differs from the version in force."),
}
