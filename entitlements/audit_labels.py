"""The audit actions of entitlements, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
    "ladder.changed": _("Cell of the ladder changed in the draft"),
    "ladder.discarded": _("Draft of the ladder thrown away"),
    "ladder.submitted": _("Ladder submitted for approval"),
    "ladder.approved": _("Ladder approved"),
    "ladder.rejected": _("Ladder rejected"),
    "ladder.activated": _("Ladder put in force"),
    "renewal.locked": _("Benefits and price locked for the renewal"),
    "renewal.unlocked": _("Lock of the renewal released"),
    "restore_rule.saved": _("Restore rule saved"),
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
