from django.db import models
from django.utils.translation import gettext_lazy as _

from entitlements.benefits.models import Benefit
from members.models import Tier


class CellFigure(models.Model):
    """How a benefit is used by those who have it from one tier, as last counted. No tier: the free tier."""

    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    benefit = models.ForeignKey(Benefit, verbose_name=_("benefit"), on_delete=models.CASCADE, related_name="figures")
    counted_at = models.DateTimeField(_("counted"))
    entitled = models.PositiveBigIntegerField(_("members entitled"))
    reached = models.PositiveBigIntegerField(_("used it in 30 days"))
    granted = models.PositiveBigIntegerField(_("granted"))
    used = models.PositiveBigIntegerField(_("used"))
    # Over 30 days, whatever the usage period.
    amount = models.PositiveBigIntegerField(_("used in 30 days"))

    class Meta:
        verbose_name = _("use of a benefit by tier")
        verbose_name_plural = _("use of benefits by tier")
        constraints = [
            models.UniqueConstraint(fields=["tier", "benefit"], name="cell_figure_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.tier_id} × {self.benefit_id}"
