from datetime import datetime, time, timedelta

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Case, ExpressionWrapper, F, Func, Q, Value, When
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from members.people.models import Member
from members.people.rules import last_day, local_date, shift_local
from members.plans.models import Plan, Tier
from members.terms.querysets import TermQuerySet
from members.terms.rules import Span


def _ended() -> Least:
    """When a term ends or ended: at its end, or where it was cut short."""
    return Least(F("ends_at"), Coalesce(F("closed_at"), F("ends_at")))


class MembershipTerm(models.Model):
    """A half-open interval ``[starts_at, ends_at)`` in which a member has a tier.

    An order begins with one row. Whatever moves it, sets it aside or brings it back closes a row (``closed_at``) and
    books another, whose ``origin`` is the first; rows are never rewritten, and ``booked_at`` is when the system learned
    of one, so that any past instant can be judged by what was known then. What becomes of the whole order (refunded,
    voided) is said on all its rows, what went back on the first.
    """

    class Kind(models.TextChoices):
        TRIAL = "trial", _("Trial term")
        PAID = "paid", _("Paid")
        GIFT = "gift", _("Gift")
        COMPENSATION = "compensation", _("Compensation")
        LENT = "lent", _("Lent by a seat")

    class CloseReason(models.TextChoices):
        REFUND = "refund", _("Refunded")
        CONVERTED = "converted", _("Converted to paid")
        SWITCHED = "switched", _("Moved to another tier")
        SET_ASIDE = "set_aside", _("Set aside, its time is kept")
        MOVED = "moved", _("Moved in the queue")
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
    external_ref = models.CharField(_("order number"), max_length=120, null=True, blank=True)
    origin = models.ForeignKey(
        "self",
        verbose_name=_("first row of the order"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="later_rows",
        db_index=False,
    )
    is_automatic = models.BooleanField(_("renewed by itself"), default=False, db_default=False)
    dated_at = models.DateTimeField(
        _("not before"), null=True, blank=True, help_text=_("A file or the order itself gave the start.")
    )
    booked_seconds = models.PositiveBigIntegerField(
        _("seconds booked"),
        null=True,
        blank=True,
        help_text=_("Of the whole order; empty: this row is the whole order."),
    )
    trial_seconds = models.PositiveBigIntegerField(
        _("seconds of a trial"),
        default=0,
        db_default=0,
        help_text=_("Unused time of the trial that this row closed, or was given."),
    )
    lent_until = models.DateTimeField(_("lent until"), null=True, blank=True)
    refunded_cents = models.PositiveBigIntegerField(_("refunded"), default=0, db_default=0)
    refunded_at = models.DateTimeField(_("refunded in full"), null=True, blank=True)
    voided_at = models.DateTimeField(_("voided"), null=True, blank=True)
    anchor_on = models.DateField(_("first day of the chain"))
    anchor_clock = models.TimeField(_("local time of the chain"), default=time(0), db_default=time(0))
    anchor_months = models.PositiveSmallIntegerField(
        _("months since the anchor"), default=0, help_text=_("This term ends so many months after the anchor.")
    )
    booked_at = models.DateTimeField(_("recorded"))
    recorded_by = staff_key(_("recorded by"))
    period = models.GeneratedField(
        expression=Case(
            When(voided_at__isnull=False, then=Value("empty", output_field=DateTimeRangeField())),
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
                & Q(voided_at__isnull=True)
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
            models.Index(
                fields=["member", "starts_at"], name="term_member_start", include=["kind", "refunded_at", "voided_at"]
            ),
            models.Index(fields=["origin"], name="term_origin", condition=Q(origin__isnull=False)),
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
            models.CheckConstraint(
                condition=~Q(close_reason="void") | Q(voided_at__isnull=False), name="term_void_is_voided"
            ),
            models.CheckConstraint(
                condition=Q(refunded_cents__lte=Greatest(F("price_cents"), Value(0))), name="term_refund_within_price"
            ),
            # A void frees the number; the other rows of an order carry it along.
            models.UniqueConstraint(
                fields=["external_ref"],
                condition=Q(origin__isnull=True, voided_at__isnull=True),
                name="term_order_once",
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
        zone = settings.PROJECT_TIME_ZONE
        return f"{self.kind} {local_date(self.starts_at, zone)} → {last_day(self.ends_at, zone)}"

    @property
    def order_id(self) -> int:
        """The number of the order's first row, by which its rows are told from others."""
        return self.origin_id or self.pk

    @property
    def is_kept_order(self) -> bool:
        """Whether the row stands for an order that was neither refunded nor voided: its first."""
        return self.origin_id is None and self.refunded_at is None and self.voided_at is None

    @property
    def effective_ends_at(self) -> datetime:
        """When cover really ends: the earlier of the scheduled end and the closing."""
        return min(self.ends_at, self.closed_at) if self.closed_at else self.ends_at

    def grace_days(self, policy_days: int) -> int:
        """For how many days the tier is held after this term: as its plan says, else its tier, else the policy."""
        own = self.plan.grace_days if self.plan else None
        return own or self.tier.grace_days or policy_days

    def as_span(self, until: datetime, *, policy_days: int) -> Span:
        """The cover that the row gives or gave up to ``until``, as a chain of cover asks about it."""
        return Span(
            self.starts_at,
            min(self.effective_ends_at, until),
            self.tier_id,
            self.grace_days(policy_days),
            is_trial=self.kind == self.Kind.TRIAL,
            is_paid=self.kind == self.Kind.PAID,
            is_taken_back=self.refunded_at is not None or self.voided_at is not None,
        )

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
        indexes = [
            models.Index(fields=["member", "at"], name="signal_member_at"),
            # Whom to tell of a failed renewal is asked every few seconds.
            models.Index(fields=["at"], name="signal_renewal_failed", condition=Q(kind="renewal_failed")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of #{self.member_id}"
