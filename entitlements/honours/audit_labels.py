"""The audit actions of honours, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
    "adornment.saved": _("What a benefit shows saved"),
    "adornment.removed": _("What a benefit shows taken off"),
    "honour.saved": _("Honour saved"),
    "honour.run_begun": _("Honour counted for a year"),
    "honour.run_recounted": _("Honour counted anew"),
    "honour.run_given": _("Honour given"),
    "honour.run_discarded": _("List of an honour thrown away"),
    "honour.run_voided": _("Honour taken back"),
    "adviser.assigned": _("Adviser assigned"),
    "adviser.unassigned": _("Adviser taken away"),
    "adviser.spread": _("Members spread over advisers"),
}
