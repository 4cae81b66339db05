"""The audit actions of entitlements, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
    "usage.reversed": _("Use of a benefit taken back"),
    "usage.recorded": _("History of uses recorded"),
}
