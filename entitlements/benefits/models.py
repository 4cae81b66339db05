from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.engine.reviewed.models import ReviewedVersion, constraints
from entitlements.benefits.querysets import BenefitQuerySet
from members.events.models import EventDefinition
from members.plans.models import Plan, Tier

# What addresses call the free tier, which has no row.
FREE = "free"


class Benefit(models.Model):
    """Something members may use: whether at all (access), or how often or how much of it (quota).

    What goes on beyond the limit of a quota, unless the limit is hard, is counted as overage.
    """

    class Kind(models.TextChoices):
        ACCESS = "access", _("Access")
        QUOTA = "quota", _("Number or amount")

    class Category(models.TextChoices):
        FUNCTIONAL = "functional", _("Functional")
        INTEREST = "interest", _("Savings")
        EMOTIONAL = "emotional", _("Emotional")

    class Period(models.TextChoices):
        """The usage period: at its end what was used starts again from nothing."""

        NEVER = "never", _("never starts again")
        TERM = "term", _("each membership term")
        DAY = "day", _("a day")
        WEEK = "week", _("a week")
        MONTH = "month", _("a month")
        QUARTER = "quarter", _("a quarter")
        YEAR = "year", _("a year")

    class Denied(models.TextChoices):
        """What a program shows to whom the benefit is not given."""

        LOCKED = "locked", _("Locked, with a hint")
        PREVIEW = "preview", _("A taste of it, then the hint")
        HIDDEN_PRICE = "hidden_price", _("Without the price")

    code = models.SlugField(_("code"), max_length=48, unique=True)
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    description_zh = models.CharField(_("description in Chinese"), max_length=300, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.ACCESS)
    category = models.CharField(_("category"), max_length=12, choices=Category.choices, default=Category.FUNCTIONAL)
    is_core = models.BooleanField(_("core benefit"), default=False)
    unit = models.CharField(_("unit"), max_length=24, blank=True, help_text=_("Such as: downloads, GB, vouchers."))
    unit_zh = models.CharField(_("unit in Chinese"), max_length=24, blank=True)
    period = models.CharField(_("usage period"), max_length=8, choices=Period.choices, default=Period.MONTH)
    is_by_calendar = models.BooleanField(
        _("by the calendar"), default=True,
        help_text=_("Otherwise counted from the first day of the membership."),
    )  # fmt: skip
    is_hard_limit = models.BooleanField(
        _("ends at the limit"), default=True, help_text=_("Otherwise use goes on and counts as overage.")
    )
    rollover_max = models.PositiveBigIntegerField(
        _("carried over at most"), default=0, help_text=_("Of what is left when a usage period ends.")
    )
    rollover_min = models.PositiveBigIntegerField(_("carried over at least"), default=0)
    levels = ArrayField(
        models.CharField(max_length=40), verbose_name=_("levels"), default=list, blank=True,
        help_text=_("From the worst to the best, such as 720p, 1080p, 4K, or 0.95, 0.88."),
    )  # fmt: skip
    worth_cents = models.PositiveBigIntegerField(
        _("worth a use"), default=0, help_text=_("What a member saves, in minor units.")
    )
    cost_cents = models.PositiveBigIntegerField(
        _("cost a use"), default=0, help_text=_("What it costs the project, in minor units.")
    )
    # "3 uses of A unlock B": this one is B.
    unlocked_by = models.ForeignKey(
        "self", verbose_name=_("unlocked by using"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="unlocks",
    )  # fmt: skip
    unlocked_after = models.PositiveIntegerField(_("so many times"), default=1, validators=[MinValueValidator(1)])
    consumed_by = models.ForeignKey(
        EventDefinition, verbose_name=_("used up by the event"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="consumes",
    )  # fmt: skip
    amount_property = models.CharField(
        _("amount in the property"), max_length=80, blank=True, help_text=_("Empty: each event is one use.")
    )
    when_denied = models.CharField(_("without it"), max_length=16, choices=Denied.choices, default=Denied.LOCKED)
    preview_limit = models.PositiveIntegerField(
        _("taste of"), default=0, help_text=_("Such as 30 for the first 30 seconds.")
    )
    public_at = models.DateTimeField(
        _("open to all from"), null=True, blank=True, help_text=_("Who has early access comes in before.")
    )
    hint_open = models.CharField(_("hint while open"), max_length=200, blank=True)
    hint_open_zh = models.CharField(_("hint while open, Chinese"), max_length=200, blank=True)
    hint_upgrade = models.CharField(
        _("hint without it"), max_length=200, blank=True, help_text=_("{benefit} and {tier} are filled in.")
    )
    hint_upgrade_zh = models.CharField(_("hint without it, Chinese"), max_length=200, blank=True)
    is_archived = models.BooleanField(_("archived"), default=False)
    created_at = models.DateTimeField(_("created"))

    objects = BenefitQuerySet.as_manager()

    class Meta:
        verbose_name = _("benefit")
        verbose_name_plural = _("benefits")
        ordering = ["category", "-is_core", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(rollover_min__lte=F("rollover_max")), name="benefit_rollover"),
            models.CheckConstraint(condition=~Q(unlocked_by=F("pk")), name="benefit_unlocks_another"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("benefits:detail", args=[self.pk])

    @property
    def has_limit(self) -> bool:
        return self.kind != Benefit.Kind.ACCESS

    def opens_at(self, early_hours: int) -> datetime | None:
        """When it opens to a holder with so much early access; None: it always was."""
        return self.public_at - timedelta(hours=early_hours) if self.public_at else None


class LadderVersion(ReviewedVersion):
    """One version of what each tier and plan gives. One is in force, and one at most is on its way."""

    class Meta(ReviewedVersion.Meta):
        verbose_name = _("ladder version")
        verbose_name_plural = _("ladder versions")
        constraints = [
            *constraints(),
            models.UniqueConstraint(
                models.Value(1), condition=Q(status__in=["draft", "submitted", "scheduled"]), name="ladder_one_coming"
            ),
        ]


class _Allowance(models.Model):
    """So much of a benefit in each usage period. No amount: no limit; for an access benefit always so."""

    benefit = models.ForeignKey(Benefit, verbose_name=_("benefit"), on_delete=models.PROTECT, related_name="+")
    amount = models.PositiveBigIntegerField(_("amount"), null=True, blank=True, help_text=_("Empty: no limit."))
    level = models.CharField(_("level"), max_length=40, blank=True, help_text=_("One of the benefit's levels."))

    class Meta:
        abstract = True


class TierBenefit(_Allowance):
    """A cell of the ladder. No tier: whoever has no cover, the free tier."""

    version = models.ForeignKey(
        LadderVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="cells"
    )
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    is_held_in_grace = models.BooleanField(_("kept in the grace"), default=True)
    early_hours = models.PositiveIntegerField(
        _("early access (hours)"), default=0, validators=[MaxValueValidator(24 * 366)]
    )

    class Meta:
        verbose_name = _("benefit of a tier")
        verbose_name_plural = _("benefits of tiers")
        constraints = [
            models.UniqueConstraint(fields=["version", "tier", "benefit"], name="cell_once", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"{self.tier_id} × {self.benefit_id}"


class PlanBenefit(_Allowance):
    """What a plan gives beyond its tier: added to the cell's amount, or given where the tier has none."""

    version = models.ForeignKey(
        LadderVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="additions"
    )
    plan = models.ForeignKey(Plan, verbose_name=_("plan"), on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("benefit of a plan")
        verbose_name_plural = _("benefits of plans")
        constraints = [models.UniqueConstraint(fields=["version", "plan", "benefit"], name="addition_once")]

    def __str__(self) -> str:
        return f"{self.plan_id} × {self.benefit_id}"


class Pack(models.Model):
    """Benefits sold or given together for some days, beside any membership."""

    code = models.SlugField(_("code"), max_length=48, unique=True)
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True)
    is_light = models.BooleanField(_("light pack"), default=False)
    price_cents = models.PositiveBigIntegerField(_("price"), default=0, help_text=_("In minor units."))
    days = models.PositiveSmallIntegerField(
        _("lasts (days)"), default=30, validators=[MinValueValidator(1), MaxValueValidator(3_660)]
    )
    is_sold = models.BooleanField(_("sold now"), default=True)

    class Meta:
        verbose_name = _("benefit pack")
        verbose_name_plural = _("benefit packs")
        ordering = ["price_cents", "pk"]

    def __str__(self) -> str:
        return self.name


class PackBenefit(_Allowance):
    """One benefit of a pack: once, or anew in each usage period while the pack lasts."""

    pack = models.ForeignKey(Pack, verbose_name=_("pack"), on_delete=models.CASCADE, related_name="benefits")
    recurs = models.BooleanField(_("anew in each usage period"), default=False)

    class Meta:
        verbose_name = _("benefit of a pack")
        verbose_name_plural = _("benefits of packs")
        constraints = [models.UniqueConstraint(fields=["pack", "benefit"], name="pack_benefit_once")]

    def __str__(self) -> str:
        return f"{self.pack_id} × {self.benefit_id}"
