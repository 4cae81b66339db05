from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Tier(models.Model):
    code = models.SlugField(_("code"), max_length=32, unique=True)
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), unique=True, help_text=_("Higher is better."))
    grace_days = models.PositiveSmallIntegerField(
        _("grace (days)"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(3)],
        help_text=_("Empty: as the lifecycle policy says."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["position"]

    def __str__(self) -> str:
        return self.name


class Plan(models.Model):
    """What is sold: a tier for a duration at a price."""

    class Unit(models.TextChoices):
        DAY = "day", _("days")
        WEEK = "week", _("weeks")
        MONTH = "month", _("months")
        YEAR = "year", _("years")

    code = models.SlugField(_("code"), max_length=32, unique=True)
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True)
    tier = models.ForeignKey(Tier, verbose_name=_("tier"), on_delete=models.PROTECT, related_name="plans")
    duration_unit = models.CharField(_("unit"), max_length=8, choices=Unit.choices, default=Unit.MONTH)
    duration_count = models.PositiveSmallIntegerField(_("length"), default=1)
    price_cents = models.PositiveBigIntegerField(_("price"), help_text=_("In minor units."))
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    trial_days = models.PositiveSmallIntegerField(_("trial days"), default=0)
    is_sold = models.BooleanField(_("sold now"), default=True)
    grace_days = models.PositiveSmallIntegerField(
        _("grace (days)"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(3)],
        help_text=_("Empty: as its tier says."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["tier__position", "price_cents"]
        constraints = [models.CheckConstraint(condition=Q(duration_count__gte=1), name="plan_lasts")]

    def __str__(self) -> str:
        return self.name
