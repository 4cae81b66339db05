from django.db import models
from django.utils.translation import gettext_lazy as _

from entitlements.benefits.models import Benefit
from members.plans.models import Tier


class BenefitMonth(models.Model):
    """Who used a benefit in one calendar month of the project, and how much, by the tier they had when counted.

    ``entitled`` is how many had it when the month was last counted while it ran; none for months counted afterwards.
    """

    # ``month_of_benefit`` serves.
    benefit = models.ForeignKey(
        Benefit, verbose_name=_("benefit"), on_delete=models.CASCADE, related_name="months", db_index=False
    )
    month = models.DateField(_("month"))
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    entitled = models.PositiveBigIntegerField(_("entitled"), null=True, blank=True)
    members = models.PositiveBigIntegerField(_("members who used it"), default=0)
    uses = models.PositiveBigIntegerField(_("uses"), default=0)
    amount = models.PositiveBigIntegerField(_("amount"), default=0)
    worth_cents = models.PositiveBigIntegerField(_("worth"), default=0)

    class Meta:
        verbose_name = _("month of a benefit")
        verbose_name_plural = _("months of benefits")
        ordering = ["month"]
        constraints = [
            models.UniqueConstraint(fields=["benefit", "month", "tier"], name="month_of_benefit", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"{self.benefit_id} in {self.month:%Y-%m}"


class BenefitReach(models.Model):
    """How far a benefit reaches now, in everybody or in one part of them. Written anew at each count."""

    class By(models.TextChoices):
        ALL = "all", _("Everybody")
        TIER = "tier", _("Tier")
        STATE = "state", _("Lifecycle state")
        SEGMENT = "segment", _("Segment")

    benefit = models.ForeignKey(
        Benefit, verbose_name=_("benefit"), on_delete=models.CASCADE, related_name="reaches", db_index=False
    )
    by = models.CharField(_("by"), max_length=8, choices=By.choices)
    # The tier's or segment's number, or the state; empty for everybody, and for whoever has none.
    value = models.CharField(_("value"), max_length=20, blank=True)
    entitled = models.PositiveBigIntegerField(_("entitled"))
    reached = models.PositiveBigIntegerField(_("used it lately"))
    at_limit = models.PositiveBigIntegerField(_("at the limit"))
    granted = models.PositiveBigIntegerField(_("granted"))
    used = models.PositiveBigIntegerField(_("used"))

    class Meta:
        verbose_name = _("reach of a benefit")
        verbose_name_plural = _("reaches of benefits")
        constraints = [models.UniqueConstraint(fields=["benefit", "by", "value"], name="reach_of_benefit")]

    def __str__(self) -> str:
        return f"{self.benefit_id} by {self.by} {self.value}"


class FiguresRun(models.Model):
    """One count of the figures of all benefits; the last one says as of when they are."""

    at = models.DateTimeField(_("as of"))
    took_ms = models.PositiveIntegerField(_("took (ms)"))

    class Meta:
        verbose_name = _("count of benefit figures")
        verbose_name_plural = _("counts of benefit figures")
        get_latest_by = "at"
        indexes = [models.Index(fields=["-at"], name="figures_run_at")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
