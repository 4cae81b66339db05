"""Why a renewal is not locked, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "no_auto_renewal": _("Only an automatic renewal can be locked. Switch auto-renewal on first."),
    "no_paid_term": _("There is no running paid term whose renewal could be locked."),
    "renewed_already": _("The next term is booked already."),
    "too_early": _("A renewal can be locked in the last 3 days before it."),
    "member_merged": _("This member was just merged into another one. Open the other one and try again."),
}
