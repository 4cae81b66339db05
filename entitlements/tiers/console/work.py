"""What of tiers needs a person."""

from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.formats import number_text
from entitlements.tiers.models import TierBrake


def limit_text(brake: TierBrake) -> str:
    words = {"limit": number_text(brake.limit_count), "base": number_text(brake.base_count)}
    return _("limit %(limit)s of %(base)s members") % words


def held_by(brake: TierBrake) -> str:
    """The members held, on the brake's page."""
    return reverse("tiers:brake", args=[brake.pk]) + "#held"
