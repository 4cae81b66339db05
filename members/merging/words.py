"""Why two members are not merged, or a merge is not taken back, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "same": _("These are one and the same member."),
    "gone": _("One of the two was merged meanwhile. Go back to the list and look again."),
    "undone": _("This merge has been undone already."),
    "merged_on": _("The member was merged into another one afterwards. Undo that merge first."),
    "terms_entangled": _(
        "What happened to the terms since the merge leaves no place for them as they were. Void what stands in the "
        "way, then undo the merge."
    ),
    "later_merge": _("#%(absorbed)s was merged into #%(survivor)s later. Undo that merge first."),
}
