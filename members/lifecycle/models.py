from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField

from config.engine.brakes import Brake
from config.engine.moves import declare
from config.engine.reviewed.models import ReviewedVersion, constraints
from config.staff.keys import staff_key
from members.lifecycle.lifecycle import MOVES, MembershipStatus, Rule, State
from members.lifecycle.querysets.lifecycle import LifecycleQuerySet, TransitionQuerySet
from members.people.models import Member
from members.plans.models import Tier


class LifecyclePolicy(ReviewedVersion):
    """One version of the lifecycle thresholds. Exactly one is active; drafts need a second person."""

    expiring_window_days = models.PositiveSmallIntegerField(
        _("reminder window (days)"), default=7, validators=[MaxValueValidator(60)]
    )
    expiring_fraction = models.FloatField(
        _("at most this part of the term"), default=0.25, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)]
    )
    silent_days = models.PositiveSmallIntegerField(
        _("silent after (days)"), default=30, validators=[MinValueValidator(1)]
    )
    tenure_days = models.PositiveSmallIntegerField(_("stable from tenure (days)"), default=90)
    stable_active_weeks = models.PositiveSmallIntegerField(
        _("stable: active weeks"), default=3, validators=[MaxValueValidator(12)]
    )
    stable_of_weeks = models.PositiveSmallIntegerField(
        _("stable: of the last weeks"), default=4, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    active_days_enter = models.PositiveSmallIntegerField(_("highly active from (active days)"), default=8)
    active_days_keep = models.PositiveSmallIntegerField(_("highly active kept at (active days)"), default=5)
    active_window_days = models.PositiveSmallIntegerField(
        _("counted over (days)"), default=30, validators=[MinValueValidator(1), MaxValueValidator(90)]
    )
    churn_after_days = models.PositiveSmallIntegerField(_("churned after (days)"), default=30)
    grace_days = models.PositiveSmallIntegerField(
        _("grace (days)"), default=3, validators=[MinValueValidator(1), MaxValueValidator(3)]
    )
    settlement_hours = models.PositiveSmallIntegerField(_("settlement of automatic renewals (hours)"), default=24)
    refund_days = models.PositiveSmallIntegerField(_("full refunds ask for a reason after (days)"), default=14)
    brake_percent = models.FloatField(
        _("brake above (% of the base)"), default=5.0, validators=[MinValueValidator(0.1), MaxValueValidator(100.0)]
    )
    brake_floor = models.PositiveIntegerField(_("brake never below (members)"), default=50)

    class Meta(ReviewedVersion.Meta):
        verbose_name = _("lifecycle policy")
        verbose_name_plural = _("lifecycle policies")
        constraints = [
            *constraints(),
            models.CheckConstraint(condition=Q(active_days_keep__lte=F("active_days_enter")), name="policy_hysteresis"),
            models.CheckConstraint(condition=Q(stable_active_weeks__lte=F("stable_of_weeks")), name="policy_weeks"),
        ]


class LifecycleTransition(models.Model):
    """The log of state changes: the row is written first and the state row names it. Append-only."""

    # No index of their own on the keys: the table is written by the ten thousand, and ``transition_member_at`` serves.
    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="transitions", db_index=False
    )
    from_state = models.CharField(_("from"), max_length=16, choices=State.choices, null=True, blank=True)
    to_state = models.CharField(_("to"), max_length=16, choices=State.choices)
    move = models.CharField(_("move"), max_length=32)
    rule = models.CharField(_("rule"), max_length=16, choices=Rule.choices)
    policy = models.ForeignKey(LifecyclePolicy, verbose_name=_("policy"), on_delete=models.PROTECT, db_index=False)
    effective_at = models.DateTimeField(_("effective"))
    recorded_at = models.DateTimeField(_("recorded"))
    facts = models.JSONField(_("facts"), default=dict)
    actor = staff_key(_("actor"), db_index=False)

    objects = TransitionQuerySet.as_manager()

    class Meta:
        verbose_name = _("lifecycle transition")
        verbose_name_plural = _("lifecycle transitions")
        indexes = [
            models.Index(fields=["member", "effective_at"], name="transition_member_at"),
            models.Index(fields=["effective_at"], name="transition_at"),
            models.Index(fields=["actor"], name="transition_actor", condition=Q(actor__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.from_state or '∅'} → {self.to_state}"


class SweepBrake(Brake):
    """A sweep that would have moved too many members into one state, held for a person's decision."""

    swept_at = models.DateTimeField(_("sweep instant"))
    held_count = models.PositiveIntegerField(_("members held"))
    limit_count = models.PositiveIntegerField(_("limit per state"))

    class Meta(Brake.Meta):
        verbose_name = _("sweep brake")
        verbose_name_plural = _("sweep brakes")

    def __str__(self) -> str:
        return f"brake {self.pk}"


class UtcHour(models.Func):
    """The hour of an instant, the same in every session's time zone: a generated column may depend on nothing else."""

    template = "(date_trunc('hour', %(expressions)s AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')"


class MemberLifecycle(models.Model):
    """The narrow hot row of one member: state, membership facts and when to look again.

    Written only by the lifecycle engine (``members.lifecycle.operations.sweep``) and by ``mark_due``, which moves
    ``next_due_at`` nearer.
    """

    member = models.OneToOneField(
        Member, verbose_name=_("member"), primary_key=True, on_delete=models.CASCADE, related_name="lifecycle"
    )
    lifecycle_state = FSMField(_("lifecycle state"), max_length=16, choices=State.choices, null=True, protected=True)
    resume_state = models.CharField(_("state before"), max_length=16, choices=State.choices, null=True, blank=True)
    target_state = models.CharField(_("computed state"), max_length=16, choices=State.choices, null=True, blank=True)
    target_rule = models.CharField(_("rule"), max_length=16, choices=Rule.choices, null=True, blank=True)
    # Not a foreign key: the statement-level trigger checks it, and a key would cost an index probe a row.
    transition_id = models.BigIntegerField(_("last transition"), null=True, blank=True)
    state_since = models.DateTimeField(_("in this state since"), null=True, blank=True)
    membership_status = models.CharField(
        _("membership status"), max_length=8, choices=MembershipStatus.choices, default=MembershipStatus.NONE
    )
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    activation_time = models.DateTimeField(_("activation time"), null=True, blank=True)
    expiration_time = models.DateTimeField(_("expiration time"), null=True, blank=True)
    # The minute of the latest activity, never after its receipt: ``members.events.querysets.events.MINUTE``.
    last_active_time = models.DateTimeField(_("last active"), null=True, blank=True)
    # What the list is ordered by. An event moves no index entry but the first of an hour, so that it may be written in
    # place (a heap-only tuple).
    last_active_hour = models.GeneratedField(
        verbose_name=_("last active"),
        expression=UtcHour("last_active_time"),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    # The latest active day known here and its first activity: ``ActiveDay`` has that row. A trigger forgets it with the
    # row, and before the next day is recorded nothing is known.
    active_on = models.DateField(_("latest active day"), null=True, blank=True)
    active_since = models.DateTimeField(_("first activity of that day"), null=True, blank=True)
    usage_rate = models.FloatField(_("usage rate"), null=True, blank=True)
    auto_renewal_flag = models.BooleanField(_("auto-renewal"), default=False)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, default="")
    known_since = models.DateTimeField(_("known since"))
    assessed_at = models.DateTimeField(_("assessed"), null=True, blank=True)
    next_due_at = models.DateTimeField(_("next look"), null=True, blank=True)
    brake = models.ForeignKey(
        SweepBrake,
        verbose_name=_("held by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="held",
        db_index=False,
    )

    objects = LifecycleQuerySet.as_manager()

    class Meta:
        verbose_name = _("member lifecycle")
        verbose_name_plural = _("member lifecycles")
        indexes = [
            models.Index(
                fields=["next_due_at"], name="lifecycle_due", condition=Q(next_due_at__isnull=False, brake__isnull=True)
            ),
            # What the list's filters read besides is included: ten thousand are counted without looking up their rows.
            models.Index(
                fields=["lifecycle_state", "expiration_time", "member"],
                include=["auto_renewal_flag"],
                name="lifecycle_state_expiry",
            ),
            models.Index(
                fields=["expiration_time", "member"],
                include=["membership_status", "time_zone"],
                name="lifecycle_expiry",
                condition=Q(expiration_time__isnull=False),
            ),
            models.Index(fields=["last_active_hour", "member"], name="lifecycle_last_active"),
            # Nearly empty, so it costs nothing, and an anomaly is found among a million members at once.
            models.Index(
                fields=["member"],
                name="lifecycle_anomaly",
                condition=Q(target_state__isnull=False) & ~Q(lifecycle_state=F("target_state")),
            ),
            models.Index(fields=["brake"], name="lifecycle_held", condition=Q(brake__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.lifecycle_state} of #{self.member_id}"


declare(MemberLifecycle, "lifecycle_state", MOVES)
