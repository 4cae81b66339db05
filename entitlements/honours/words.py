"""Why a step with honours, adornments or advisers is refused, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "code_taken": _("Another honour has this code. Choose a code of its own."),
    "measure": _("Nothing is counted under this measure. Choose another one."),
    "archived": _("The honour or its benefit is archived. Offer it again first."),
    "year_running": _("The year is not over for everybody yet. Choose an earlier one."),
    "live_run": _("This year has a list already. Look at it, or take the honour back first."),
    "decided": _("Somebody has decided on this list already."),
    "changed": _("The list is another one by now. Have it counted anew, and look at it again."),
    "nobody": _("Nobody is on the list. Throw it away, or change what the honour is ranked by."),
    "not_given": _("This honour is not given, so it cannot be taken back."),
    "not_emotional": _("Only an emotional benefit can show itself. Change its category first."),
    "has_limit": _("Only a benefit that is had or not had can show itself, not one that is used up."),
    "not_entitled": _("No benefit gives the member an adviser. Give them one first."),
    "not_staff": _("This colleague may not act on members, or is not here any more. Choose another one."),
    "nobody_chosen": _("Choose at least one colleague."),
    "none_assigned": _("Nobody looks after this member."),
    "member_gone": _("This member was just merged into another one. Open the other one and try again."),
}
