"""The audit actions of entitlements, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
    "ladder.proposed": _("Draft of the ladder begun"),
    "ladder.changed": _("Cell of the ladder changed in the draft"),
    "ladder.discarded": _("Draft of the ladder thrown away"),
    "ladder.submitted": _("Ladder submitted for approval"),
    "ladder.approved": _("Ladder approved"),
    "ladder.self_approved": _("Own version of the ladder approved by the only approver"),
    "ladder.rejected": _("Ladder rejected"),
    "ladder.activated": _("Ladder put in force"),
    "renewal.locked": _("Benefits and price locked for the renewal"),
    "renewal.unlocked": _("Lock of the renewal released"),
    "restore_rule.saved": _("Restore rule saved"),
    "restore_rule.proposed": _("Restore rule proposed"),
    "restore_rule.revised": _("Draft of a restore rule changed"),
    "restore_rule.discarded": _("Draft of a restore rule thrown away"),
    "restore_rule.submitted": _("Restore rule submitted for approval"),
    "restore_rule.approved": _("Restore rule approved"),
    "restore_rule.self_approved": _("Own restore rule approved by the only approver"),
    "restore_rule.rejected": _("Restore rule rejected"),
    "restore_rule.activated": _("Restore rule put in force on its day"),
    "benefit.saved": _("Benefit saved"),
    "benefit.archived": _("Benefit archived"),
    "benefit.restored": _("Benefit offered again"),
    "pack.saved": _("Benefit pack saved"),
    "pack.given": _("Benefit pack given"),
    "grant.given": _("Benefit given"),
    "grant.voided": _("Grant voided"),
    "usage.reversed": _("Use of a benefit taken back"),
    "usage.recorded": _("History of uses recorded"),
}
