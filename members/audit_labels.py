"""The audit actions of members, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
    "member.created": _("Member created"),
    "member.edited": _("Profile edited"),
    "member.revealed": _("Phone and addresses shown in full"),
    "term.paid": _("Purchase booked"),
    "term.gift": _("Gift given"),
    "term.trial": _("Trial started"),
    "term.compensation": _("Days compensated"),
    "term.refunded": _("Term refunded"),
    "term.voided": _("Term voided"),
    "term.tier_changed": _("Tier changed"),
    "auto_renewal.on": _("Auto-renewal switched on"),
    "auto_renewal.off": _("Auto-renewal switched off"),
    "auto_renewal.failed": _("Automatic renewal failed"),
    "sweep.braked": _("Sweep stopped by the brake"),
    "sweep.approved": _("Braked sweep approved"),
    "sweep.released": _("Braked sweep released for a new check"),
    "policy.proposed": _("Policy proposed"),
    "policy.revised": _("Policy draft changed"),
    "policy.submitted": _("Policy submitted for approval"),
    "policy.approved": _("Policy approved and put in force"),
    "policy.rejected": _("Policy rejected"),
    "plan.saved": _("Plan saved"),
    "tier.saved": _("Tier saved"),
}
