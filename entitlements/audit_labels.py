"""The audit actions of entitlements, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
    "usage.reversed": _("Use of a benefit taken back"),
    "renewal.locked": _("Benefits and price locked for the renewal"),
    "renewal.unlocked": _("Lock of the renewal released"),
    "restore_rule.saved": _("Restore rule saved"),
}
