"""Why a step of a reviewed version is refused."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "no_preview": _("Look at the preview first: nobody approves what was not looked at."),
    "same_person": _("You proposed this version, so somebody else has to approve it."),
    "not_waiting": _("Somebody else decided meanwhile; the page shows how it stands now."),
}
