"""Why a step with benefits and packs is refused, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "granted": _("Members have this benefit already, so its kind and usage period stay. Make a new benefit."),
    "code_taken": _("Another one has this code. Choose a code of its own."),
    "in_ladder": _("The ladder gives it: take it out of every tier and plan first."),
    "in_pack": _("A pack on sale holds it: take it out of the pack, or stop selling the pack."),
    "unlocks": _("Its use unlocks another benefit: change that one first."),
    "unlocks_itself": _("The benefits would unlock each other in a circle. Choose another one."),
    "empty_pack": _("Put at least one benefit into the pack."),
}
