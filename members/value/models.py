from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from members.events.models import EventDefinition
from members.people.models import Member
from members.plans.models import Plan, Tier
from members.value.groups import Group
from members.value.querysets.scores import ScoreQuerySet


class By(models.TextChoices):
    """How a threshold of an axis is given."""

    QUANTILE = "quantile", _("better than so many % of the buyers")
    FIXED = "fixed", _("a fixed value")


class RfmThresholds(models.Model):
    """What counts as high on each axis: for the project, or for members whose cover comes from one plan.

    A value is a percentage where the axis goes by quantile; else days since the last purchase at most, purchases at
    least, or cents at least.
    """

    plan = models.OneToOneField(Plan, verbose_name=_("plan"), null=True, blank=True, on_delete=models.CASCADE)
    window_days = models.PositiveIntegerField(
        _("purchases of the last (days)"), null=True, blank=True, default=365,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)], help_text=_("Empty: all of them."),
    )  # fmt: skip
    recency_by = models.CharField(_("recent: by"), max_length=8, choices=By.choices, default=By.QUANTILE)
    recency_value = models.PositiveBigIntegerField(_("recent: threshold"), default=50)
    frequency_by = models.CharField(_("frequent: by"), max_length=8, choices=By.choices, default=By.QUANTILE)
    frequency_value = models.PositiveBigIntegerField(_("frequent: threshold"), default=50)
    monetary_by = models.CharField(_("high spend: by"), max_length=8, choices=By.choices, default=By.QUANTILE)
    monetary_value = models.PositiveBigIntegerField(_("high spend: threshold"), default=50)

    class Meta:
        verbose_name = _("RFM thresholds")
        verbose_name_plural = _("RFM thresholds")
        constraints = [
            models.UniqueConstraint(models.Value(1), condition=Q(plan__isnull=True), name="thresholds_one_project"),
        ]

    def __str__(self) -> str:
        return f"plan {self.plan_id}" if self.plan_id else "project"


class ValueSettings(models.Model):
    """What the scores read and when a member is mature. One row."""

    # Money in another currency is never added up with this one.
    currency = models.CharField(_("currency"), max_length=3)
    counts_terms = models.BooleanField(
        _("membership payments count"), default=True,
        help_text=_("Switch off where every payment also comes as an event."),
    )  # fmt: skip
    spend_ratio_min = models.DecimalField(
        _("spend above (times the project's mean)"), max_digits=6, decimal_places=2, default=Decimal(2),
        validators=[MinValueValidator(Decimal("0.01"))],
    )  # fmt: skip
    active_days_min = models.PositiveSmallIntegerField(
        _("active days a month, at least"), default=15, validators=[MinValueValidator(1), MaxValueValidator(30)]
    )
    referral_percent_min = models.DecimalField(
        _("referral conversion above (%)"), max_digits=5, decimal_places=2, default=Decimal(8),
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal(100))],
    )  # fmt: skip
    variation_percent_max = models.DecimalField(
        _("monthly variation below (%)"), max_digits=6, decimal_places=2, default=Decimal(15),
        validators=[MinValueValidator(Decimal("0.01"))],
    )  # fmt: skip
    invited_event = models.ForeignKey(
        EventDefinition, verbose_name=_("event: invited somebody"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="+",
    )  # fmt: skip
    converted_event = models.ForeignKey(
        EventDefinition, verbose_name=_("event: an invitation led to a purchase"), null=True, blank=True,
        on_delete=models.PROTECT, related_name="+",
    )  # fmt: skip
    cost_attribute = models.CharField(
        _("attribute with the monthly cost"), max_length=120, blank=True,
        help_text=_("A custom attribute of members, in major units. It goes before the cost of the tier."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("value settings")
        verbose_name_plural = _("value settings")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="value_settings_one_row")]

    def __str__(self) -> str:
        return "value settings"

    @classmethod
    def currency_now(cls) -> str:
        """The currency in which spending is added up."""
        return cls.objects.values_list("currency", flat=True).get()


class TierCost(models.Model):
    """What a member of a tier costs a month."""

    tier = models.OneToOneField(Tier, verbose_name=_("tier"), primary_key=True, on_delete=models.CASCADE)
    monthly_cents = models.PositiveBigIntegerField(_("cost of a member a month"))

    class Meta:
        verbose_name = _("tier cost")
        verbose_name_plural = _("tier costs")

    def __str__(self) -> str:
        return f"{self.tier_id}: {self.monthly_cents}"


class MemberValue(models.Model):
    """What a member is worth and how likely she stays, as of the last refresh, its one writer.

    A part without data is null, never 0. ``…_as_of`` lies before ``computed_at`` where a feed has fallen silent and
    the score keeps its last value.
    """

    member = models.OneToOneField(
        Member, verbose_name=_("member"), primary_key=True, on_delete=models.CASCADE, related_name="scores"
    )
    last_purchase_at = models.DateTimeField(_("last purchase"), null=True)
    recency_days = models.IntegerField(_("days since the last purchase"), null=True)
    frequency = models.IntegerField(_("purchases"), null=True)
    monetary_cents = models.BigIntegerField(_("spent"), null=True)
    is_recent = models.BooleanField(_("recent"), null=True)
    is_frequent = models.BooleanField(_("frequent"), null=True)
    is_big = models.BooleanField(_("high spend"), null=True)
    rfm_group = models.SmallIntegerField(_("RFM group"), choices=Group.choices, null=True)
    rfm_as_of = models.DateTimeField()
    spend_month_cents = models.BigIntegerField(_("spent a month"), null=True)
    spend_ratio = models.FloatField(_("spend against the mean"), null=True)
    active_days = models.SmallIntegerField(_("active days a month"), null=True)
    referral_rate = models.FloatField(_("referral conversion"), null=True)
    spend_variation = models.FloatField(_("monthly variation"), null=True)
    maturity_score = models.SmallIntegerField(_("maturity score"), null=True)
    is_mature = models.BooleanField(_("mature"), null=True)
    concentration = models.FloatField(_("value concentration"), null=True)
    maturity_as_of = models.DateTimeField()
    risk_score = models.SmallIntegerField(_("churn risk"), null=True)
    # Feature → bin, as in ``members.value.weights``.
    risk_factors = models.JSONField(null=True)
    risk_as_of = models.DateTimeField()
    computed_at = models.DateTimeField(_("computed"))

    objects = ScoreQuerySet.as_manager()

    class Meta:
        verbose_name = _("member value")
        verbose_name_plural = _("member values")
        indexes = [
            models.Index(fields=["rfm_group", "member"], name="value_group", condition=Q(rfm_group__isnull=False)),
            models.Index(fields=["risk_score", "member"], name="value_risk", condition=Q(risk_score__isnull=False)),
            models.Index(fields=["member"], name="value_mature", condition=Q(is_mature=True)),
        ]

    def __str__(self) -> str:
        return f"value of #{self.member_id}"


class GroupChange(models.Model):
    """That a member moved from one RFM group to another; null is none, for want of purchases. Append-only."""

    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="group_changes", db_index=False
    )
    from_group = models.SmallIntegerField(_("from"), choices=Group.choices, null=True)
    to_group = models.SmallIntegerField(_("to"), choices=Group.choices, null=True)
    at = models.DateTimeField(_("at"))

    objects = ScoreQuerySet.as_manager()

    class Meta:
        verbose_name = _("RFM group change")
        verbose_name_plural = _("RFM group changes")
        indexes = [
            models.Index(fields=["member", "at"], name="groupchange_member_at"),
            models.Index(fields=["at", "id"], name="groupchange_at"),
        ]

    def __str__(self) -> str:
        return f"{self.from_group} → {self.to_group} of #{self.member_id}"


class ValueRun(models.Model):
    """One refresh of all scores: asked for, then done."""

    requested_at = models.DateTimeField(_("asked for"))
    requested_by = staff_key(_("asked for by"))
    finished_at = models.DateTimeField(_("done"), null=True, blank=True)
    took_ms = models.PositiveIntegerField(_("took (ms)"), null=True, blank=True)
    members = models.PositiveIntegerField(_("members"), default=0)
    moved = models.PositiveIntegerField(_("changed group"), default=0)
    left_out = models.PositiveIntegerField(_("payments in another currency"), default=0)
    # Sources that had fallen silent, by what they feed: ``money``, ``activity``.
    silent = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("value refresh")
        verbose_name_plural = _("value refreshes")
        indexes = [models.Index(fields=["requested_at"], name="valuerun_open", condition=Q(finished_at__isnull=True))]

    def __str__(self) -> str:
        return f"refresh {self.pk}"


class ModelEvaluation(models.Model):
    """How well churn-risk weights foretold on rows they were not fitted on.

    One split says how the weights came about; how well they foretell is said by the middle four fifths of many.
    """

    dataset = models.CharField(_("data set"), max_length=120)
    seed = models.IntegerField(_("seed"))
    train_rows = models.PositiveIntegerField(_("fitted on (rows)"))
    test_rows = models.PositiveIntegerField(_("tested on (rows)"))
    auc = models.FloatField(_("AUC"))
    brier = models.FloatField(_("Brier score"))
    splits = models.PositiveSmallIntegerField(_("random splits"))
    auc_low = models.FloatField(_("AUC, from"))
    auc_high = models.FloatField(_("AUC, to"))
    brier_low = models.FloatField(_("Brier score, from"))
    brier_high = models.FloatField(_("Brier score, to"))
    # Tenths by score: rows, foretold, happened.
    calibration = models.JSONField(_("calibration"))
    weights_version = models.CharField(_("version of the weights"), max_length=12)
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("evaluation of the risk model")
        verbose_name_plural = _("evaluations of the risk model")
        ordering = ["-made_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.dataset}: AUC {self.auc_low:.2f}–{self.auc_high:.2f}"
