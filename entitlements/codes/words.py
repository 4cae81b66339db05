"""Why no code is handed out, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "closed": _("This pool hands nothing out now. Open it again first."),
    "none_left": _("No code is left in this pool. Take new ones in."),
    "member_gone": _("This member was just merged into another one. Open the other one and try again."),
}
