"""The audit actions of entitlements, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
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
