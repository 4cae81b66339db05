"""Why a use is not recorded or not taken back."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "unknown_benefit": _("There is no such benefit."),
    "unknown_member": _("There is no such member."),
    "key_reused": _("This key was used for something else before."),
    "amount_out_of_range": _("Use between 1 and 1,000,000,000,000 of a benefit."),
    "not_a_use": _("This record is no use that could be taken back."),
}
