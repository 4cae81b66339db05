"""Why a step with segments is refused, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "archived": _("This segment was archived."),
    "stale": _("Somebody else saved this segment meanwhile. Open it again to see what changed."),
    "static": _("A static segment has no rule to change."),
    "in_use": _("Something still uses this segment. Take it out there first."),
    "name_taken": _("Another segment has this name."),
    "no_members": _("Nobody on this list is known, so there is nothing to keep."),
}
