from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.engine.brakes import Brake
from config.engine.reviewed.models import ReviewedVersion, constraints
from config.staff.keys import staff_key
from entitlements.tiers.querysets.changes import TierChangeQuerySet
from entitlements.tiers.querysets.standing import ManualTierQuerySet, StandingQuerySet, XidField
from members.people.models import Member
from members.plans.models import Tier


def _tier(label: Any, **options: Any) -> models.ForeignKey:
    return models.ForeignKey(Tier, verbose_name=label, on_delete=models.PROTECT, related_name="+", **options)


class QualificationPolicy(ReviewedVersion):
    """One version of how tiers are earned and lost. Exactly one is active; drafts need a second person."""

    class Period(models.TextChoices):
        CALENDAR = "calendar", _("Calendar year")
        ANNIVERSARY = "anniversary", _("Year from the day of joining")
        ROLLING = "rolling", _("The last months; a tier lasts as many")

    class Downgrade(models.TextChoices):
        NONE = "none", _("Never")
        ONE_STEP = "one_step", _("One step")
        BY_BALANCE = "by_balance", _("To the tier the measures give")

    period = models.CharField(_("qualification period"), max_length=12, choices=Period.choices, default=Period.CALENDAR)
    period_months = models.PositiveSmallIntegerField(
        _("months of a rolling period"), default=12, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    downgrade = models.CharField(
        _("downgrade at the period's end"), max_length=12, choices=Downgrade.choices, default=Downgrade.ONE_STEP
    )
    grace_days = models.PositiveSmallIntegerField(
        _("tier grace (days)"), default=30, validators=[MaxValueValidator(180)]
    )
    notice_days = models.PositiveSmallIntegerField(
        _("notice ahead (days)"), default=30, validators=[MaxValueValidator(180)]
    )
    plan_is_floor = models.BooleanField(_("a tier bought with a plan is the floor"), default=True)
    refund_takes_back = models.BooleanField(
        _("a refund takes back at once what it earned"), default=True, db_default=True
    )
    # By its code in ``entitlements.tiers.measures``.
    gap_measure = models.CharField(_("the way to the next tier is told in"), max_length=32, default="spend")
    brake_percent = models.FloatField(
        _("brake above (% of the base)"), default=5.0, validators=[MinValueValidator(0.1), MaxValueValidator(100.0)]
    )
    brake_floor = models.PositiveIntegerField(_("brake never below (members)"), default=50)
    # Everybody was marked to be assessed by it, and then was.
    marked_at = models.DateTimeField(null=True, editable=False)
    rolled_out_at = models.DateTimeField(_("everybody assessed"), null=True, editable=False)

    class Meta(ReviewedVersion.Meta):
        verbose_name = _("qualification policy")
        verbose_name_plural = _("qualification policies")
        constraints = constraints()


class TierRung(models.Model):
    """What a policy asks for one tier: all of its rules, or any one."""

    class Joined(models.TextChoices):
        ALL = "all", _("all of them")
        ANY = "any", _("any one of them")

    policy = models.ForeignKey(
        QualificationPolicy, verbose_name=_("policy"), on_delete=models.CASCADE, related_name="rungs", db_index=False
    )
    tier = _tier(_("tier"))
    joined_by = models.CharField(_("needs"), max_length=3, choices=Joined.choices, default=Joined.ALL)

    class Meta:
        verbose_name = _("tier's requirement")
        verbose_name_plural = _("tiers' requirements")
        ordering = ["tier__position"]
        constraints = [models.UniqueConstraint(fields=["policy", "tier"], name="tier_rung_once")]

    def __str__(self) -> str:
        return f"{self.policy_id}: {self.tier_id}"


class TierRule(models.Model):
    """A measure that must reach a threshold, in the measure's own unit."""

    rung = models.ForeignKey(
        TierRung, verbose_name=_("tier's requirement"), on_delete=models.CASCADE, related_name="rules", db_index=False
    )
    # By its code in ``entitlements.tiers.measures``.
    measure = models.CharField(_("measure"), max_length=32)
    threshold = models.PositiveBigIntegerField(_("threshold"))

    class Meta:
        verbose_name = _("tier rule")
        verbose_name_plural = _("tier rules")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["rung", "measure"], name="tier_rule_once")]

    def __str__(self) -> str:
        return f"{self.measure} ≥ {self.threshold}"


class ManualTier(models.Model):
    """A tier a person gave, until an instant or for good (``until`` null). Taken back or replaced: ``ended_at``."""

    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="manual_tiers", db_index=False
    )
    tier = _tier(_("tier"))
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500)
    set_by = staff_key(_("given by"))
    ended_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    ended_by = staff_key(_("taken back by"))

    objects = ManualTierQuerySet.as_manager()

    class Meta:
        verbose_name = _("manual tier")
        verbose_name_plural = _("manual tiers")
        constraints = [
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=models.F("since")), name="manual_tier_lasts"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="manual_tier_has_reason"),
        ]
        indexes = [models.Index(fields=["member", "since"], name="manual_tier_member")]

    def __str__(self) -> str:
        return f"{self.tier_id} of #{self.member_id}"


class TierStanding(models.Model):
    """Where a member stands beside the tier they bought, as of the last assessment, its one writer.

    ``tier`` is the higher of the qualified and the manual tier, null for neither. A manual one holds while now <
    ``until`` (null: for good); a qualified one holds until an assessment takes it, foreseen at ``lasts_until``. The
    effective tier is the higher of ``tier`` and the tier of the term.

    A member is looked at instant by instant: ``due_at`` is the next one, ``looked_at`` the last. Facts that came after
    a look they belong to have the member judged anew from there, in silence until the looks have come to
    ``seen_until`` again; so has ``rejudge_from``.
    """

    class Via(models.TextChoices):
        QUALIFIED = "qualified", _("Qualified")
        MANUAL = "manual", _("Given by hand")

    member = models.OneToOneField(
        Member, verbose_name=_("member"), primary_key=True, on_delete=models.CASCADE, related_name="tier_standing"
    )
    tier = _tier(_("tier"), null=True, db_index=False)
    via = models.CharField(_("through"), max_length=9, choices=Via.choices, blank=True, default="")
    since = models.DateTimeField(_("since"), null=True)
    until = models.DateTimeField(_("until"), null=True)
    lasts_until = models.DateTimeField(_("lasts until"), null=True)
    # No constraint: a merge sets rows aside and the next assessment says what is so.
    manual = models.ForeignKey(
        ManualTier, verbose_name=_("manual tier"), null=True, on_delete=models.SET_NULL, related_name="+",
        db_index=False, db_constraint=False,
    )  # fmt: skip
    qualified_tier = _tier(_("qualified tier"), null=True, db_index=False)
    # The local date at whose beginning the qualified tier is judged, and from which rolling periods are counted.
    judged_on = models.DateField(_("judged on"), null=True)
    anchor_on = models.DateField(_("reached on"), null=True)
    policy = models.ForeignKey(
        QualificationPolicy, verbose_name=_("policy"), null=True, on_delete=models.PROTECT, related_name="+",
        db_index=False,
    )  # fmt: skip
    facts = models.JSONField(_("facts"), default=dict, db_default={})
    next_tier = _tier(_("next tier"), null=True, db_index=False)
    gap = models.BigIntegerField(_("missing to the next tier"), null=True)
    will_downgrade_to = _tier(_("will be downgraded to"), null=True, db_index=False)
    will_downgrade_at = models.DateTimeField(_("will be downgraded"), null=True)
    due_at = models.DateTimeField(_("next look"), null=True)
    looked_at = models.DateTimeField(_("looked at"), null=True)
    rejudge_from = models.DateTimeField(_("judged anew from"), null=True)
    seen_until = models.DateTimeField(null=True, editable=False)
    # Held as it was until a person decides about the assessment that stopped.
    brake = models.ForeignKey(
        "entitlements.TierBrake", verbose_name=_("brake"), null=True, on_delete=models.SET_NULL, related_name="held",
        db_index=False,
    )  # fmt: skip
    assessed_at = models.DateTimeField(_("assessed"), null=True)
    # Of the transaction that changed the tier last: the cursor of those who read who changed.
    changed_xid = XidField(null=True, editable=False)

    objects = StandingQuerySet.as_manager()

    class Meta:
        verbose_name = _("tier standing")
        verbose_name_plural = _("tier standings")
        indexes = [
            models.Index(fields=["due_at"], name="tier_standing_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["tier", "member"], name="tier_standing_tier", condition=Q(tier__isnull=False)),
            models.Index(fields=["gap"], name="tier_standing_gap", condition=Q(gap__isnull=False)),
            models.Index(
                fields=["will_downgrade_at"],
                name="tier_standing_downgrade",
                condition=Q(will_downgrade_at__isnull=False),
            ),
            models.Index(fields=["changed_xid"], name="tier_standing_xid", condition=Q(changed_xid__isnull=False)),
            models.Index(fields=["brake"], name="tier_standing_brake", condition=Q(brake__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.tier_id} of #{self.member_id}"


class TierJudgement(models.Model):
    """What was qualified from an instant on, so that facts which come late are judged from there. Null is none.

    Written by the engine when the qualified tier or its dates change. A base is where a policy in force or a merge
    began from: nothing before it is judged again.
    """

    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    at = models.DateTimeField(_("at"))
    tier = _tier(_("qualified tier"), null=True, db_index=False)
    judged_on = models.DateField(_("judged on"), null=True)
    anchor_on = models.DateField(_("reached on"), null=True)
    is_base = models.BooleanField(default=False, db_default=False)
    # Of the merge whose base it is.
    merge_id = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("judgement of a tier")
        verbose_name_plural = _("judgements of tiers")
        constraints = [models.UniqueConstraint(fields=["merge_id"], name="tier_judgement_merge")]
        indexes = [models.Index(fields=["member", "at"], name="tier_judgement_member")]

    def __str__(self) -> str:
        return f"{self.tier_id} of #{self.member_id}"


class TierArrival(models.Model):
    """New facts about a member that no look has counted yet: known at one instant, the first belonging to another."""

    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    known_at = models.DateTimeField(_("known"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("facts for tiers")
        verbose_name_plural = _("facts for tiers")
        indexes = [
            models.Index(fields=["member", "known_at"], name="tier_arrival_member"),
            models.Index(fields=["at"], name="tier_arrival_at"),
        ]

    def __str__(self) -> str:
        return f"#{self.member_id}"


class TierChange(models.Model):
    """That a member's qualified or manual tier changed at an instant; null is none. Append-only."""

    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="tier_changes", db_index=False
    )
    from_tier = _tier(_("from"), null=True, db_index=False)
    to_tier = _tier(_("to"), null=True, db_index=False)
    is_up = models.BooleanField(_("upwards"))
    via = models.CharField(_("through"), max_length=9, choices=TierStanding.Via.choices)
    policy = models.ForeignKey(
        QualificationPolicy, verbose_name=_("policy"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    facts = models.JSONField(_("facts"), default=dict)
    at = models.DateTimeField(_("at"))
    # Later than ``at`` where the engine looked late; null in rows older than the column.
    recorded_at = models.DateTimeField(_("recorded"), null=True)
    actor = staff_key(_("actor"))

    objects = TierChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("tier change")
        verbose_name_plural = _("tier changes")
        indexes = [
            models.Index(fields=["member", "at"], name="tier_change_member_at"),
            models.Index(fields=["at"], name="tier_change_at"),
        ]

    def __str__(self) -> str:
        return f"{self.from_tier_id} → {self.to_tier_id} of #{self.member_id}"


class TierBrake(Brake):
    """An assessment that would have moved too many members; those stay as they are until a person has decided."""

    moved_count = models.PositiveIntegerField(_("members it would move"))
    ran_at = models.DateTimeField(_("carried out"), null=True, blank=True)

    class Meta(Brake.Meta):
        verbose_name = _("tier brake")
        verbose_name_plural = _("tier brakes")
        constraints = [models.UniqueConstraint(fields=["status"], condition=Q(status="open"), name="tier_brake_open")]

    def __str__(self) -> str:
        return f"tier brake {self.pk}"


class TierCursor(models.Model):
    """How far the logs of facts were read. One row."""

    # Events and terms below this transaction id, and merges until this instant, were read.
    events_xid = models.BigIntegerField(default=0)
    terms_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("tier cursor")
        verbose_name_plural = _("tier cursors")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="tier_cursor_one_row")]

    def __str__(self) -> str:
        return str(self.events_xid)
