"""The audit actions of entitlements, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
    "qualification.proposed": _("Qualification policy proposed"),
    "qualification.revised": _("Draft of a qualification policy changed"),
    "qualification.submitted": _("Qualification policy submitted"),
    "qualification.approved": _("Qualification policy approved"),
    "qualification.self_approved": _("Own qualification policy approved by the only approver"),
    "qualification.rejected": _("Qualification policy rejected"),
    "qualification.activated": _("Qualification policy put in force on its day"),
    "qualification.discarded": _("Draft of a qualification policy thrown away"),
    "tier.given": _("Tier given by hand"),
    "tier.taken_back": _("Tier given by hand taken back"),
    "tiers.braked": _("Tier assessment braked"),
    "tiers.brake_approved": _("Tier assessment approved"),
    "tiers.brake_released": _("Tier assessment released for a new check"),
}
