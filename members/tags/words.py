"""Why a step with tags is refused, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "stale": _("Somebody else saved this tag meanwhile. Open it again to see what changed."),
    "name_taken": _("Another tag has this name."),
    "in_use": _("Segments or tags still read this tag. Take it out there first; they are listed on its page."),
    "engine": _("The lifecycle engine gives this tag by itself; only its words can be changed."),
    "value": _("This tag is one value of another. Change that one."),
    "carried": _("The member carries this tag already."),
    "not_by_hand": _("This tag is not given by hand, or it is switched off."),
    "not_given_by_hand": _("This tag was not given by hand; it goes when its rule holds no more."),
    "gone": _("There is no such tag any more."),
}
