from datetime import datetime, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Case, ExpressionWrapper, F, Func, Q, Value, When
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from members.people.models import Member
from members.people.rules import local_date, shift_local
from members.plans.models import Plan, Tier
from members.terms.querysets import TermQuerySet


def _ended() -> Least:
    """When a term ends or ended: at its end, or where it was cut short."""
    return Least(F("ends_at"), Coalesce(F("closed_at"), F("ends_at")))


class MembershipTerm(models.Model):
    """A half-open interval ``[starts_at, ends_at)`` in which a member has a tier.

    ``closed_at`` cuts it short (refund, switch, conversion) or, with reason ``void``, unmakes it. ``booked_at`` is
    when the system learned of it, so that any past instant can be judged by what was known then.
    """

    class Kind(models.TextChoices):
        TRIAL = "trial", _("Trial term")
        PAID = "paid", _("Paid")
        GIFT = "gift", _("Gift")
        COMPENSATION = "compensation", _("Compensation")

    class CloseReason(models.TextChoices):
        REFUND = "refund", _("Refunded")
        CONVERTED = "converted", _("Converted to paid")
        SWITCHED = "switched", _("Switched to another plan")
        VOID = "void", _("Voided")
        FOLLOWED = "followed", _("Ended with the membership it came from")

    # ``term_member_start`` serves.
    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="terms", db_index=False
    )
    plan = models.ForeignKey(Plan, verbose_name=_("plan"), null=True, blank=True, on_delete=models.PROTECT)
    tier = models.ForeignKey(Tier, verbose_name=_("tier"), on_delete=models.PROTECT)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    close_reason = models.CharField(_("why closed"), max_length=16, choices=CloseReason.choices, blank=True)
    price_cents = models.BigIntegerField(_("price paid"), default=0)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    external_ref = models.CharField(_("order number"), max_length=120, null=True, blank=True, unique=True)
    anchor_on = models.DateField(_("first day of the chain"))
    anchor_months = models.PositiveSmallIntegerField(
        _("months since the anchor"), default=0, help_text=_("This term ends so many months after the anchor.")
    )
    booked_at = models.DateTimeField(_("recorded"))
    recorded_by = staff_key(_("recorded by"))
    period = models.GeneratedField(
        expression=Case(
            When(close_reason="void", then=Value("empty", output_field=DateTimeRangeField())),
            default=Func(
                F("starts_at"),
                Greatest(F("starts_at"), _ended()),
                function="tstzrange",
                output_field=DateTimeRangeField(),
            ),
            output_field=DateTimeRangeField(),
        ),
        output_field=DateTimeRangeField(),
        db_persist=True,
    )
    # Where a renewal goes on: the end of what gave cover and was no trial. Everybody's are read at once.
    given_until = models.GeneratedField(
        expression=Case(
            When(
                (Q(closed_at__isnull=True) | Q(closed_at__gt=F("starts_at")))
                & ~Q(close_reason="void")
                & ~Q(kind="trial"),
                then=_ended(),
            ),
            output_field=models.DateTimeField(),
        ),
        output_field=models.DateTimeField(),
        db_persist=True,
    )

    objects = TermQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership term")
        verbose_name_plural = _("membership terms")
        ordering = ["starts_at", "id"]
        indexes = [
            models.Index(fields=["member", "starts_at"], name="term_member_start", include=["kind", "close_reason"]),
            models.Index(
                fields=["member", "given_until"], name="term_member_given", condition=Q(given_until__isnull=False)
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="term_has_length"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, close_reason="") | Q(closed_at__isnull=False) & ~Q(close_reason=""),
                name="term_closed_with_reason",
            ),
            ExclusionConstraint(
                name="term_no_overlap",
                # "+ 0" keeps this slow index from being taken for reading a member's terms.
                expressions=[
                    (ExpressionWrapper(F("member") + 0, models.BigIntegerField()), RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.starts_at:%Y-%m-%d} → {self.ends_at:%Y-%m-%d}"

    @property
    def effective_ends_at(self) -> datetime:
        """When cover really ends: the earlier of the scheduled end and the closing."""
        return min(self.ends_at, self.closed_at) if self.closed_at else self.ends_at

    def grace_days(self, policy_days: int) -> int:
        """For how many days the tier is held after this term: as its plan says, else its tier, else the policy."""
        own = self.plan.grace_days if self.plan else None
        return own or self.tier.grace_days or policy_days

    def held_until(self, zone: str, *, policy_days: int) -> datetime:
        """When the grace after this term ends: whole local days of ``zone`` after its end."""
        held_on = local_date(self.ends_at, zone) + timedelta(days=self.grace_days(policy_days))
        return shift_local(self.ends_at, held_on, zone)


class MemberSignal(models.Model):
    """A dated fact the lifecycle needs that is neither a term nor activity. Append-only."""

    class Kind(models.TextChoices):
        AUTO_RENEWAL_ON = "auto_renewal_on", _("Auto-renewal switched on")
        AUTO_RENEWAL_OFF = "auto_renewal_off", _("Auto-renewal switched off")
        RENEWAL_FAILED = "renewal_failed", _("Automatic renewal failed")
        UNINSTALLED = "uninstalled", _("App uninstalled")

    # ``signal_member_at`` serves.
    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="signals", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    at = models.DateTimeField(_("at"))
    recorded_by = staff_key(_("recorded by"))

    class Meta:
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        indexes = [models.Index(fields=["member", "at"], name="signal_member_at")]

    def __str__(self) -> str:
        return f"{self.kind} of #{self.member_id}"
