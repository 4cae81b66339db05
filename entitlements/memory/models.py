from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.engine.reviewed.models import ReviewedVersion, constraints
from config.staff.keys import staff_key
from entitlements.benefits.models import LadderVersion
from entitlements.memory.querysets.locks import LockQuerySet
from entitlements.memory.querysets.snapshots import SnapshotQuerySet
from members.people.models import Member
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm


class RenewalLock(models.Model):
    """What a member locked in before an automatic renewal: the price, and the ladder her next term goes by.

    It is for the term that begins where ``term`` ends, with the same plan, booked before ``until``.
    """

    # ``lock_of_member`` serves.
    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="renewal_locks", db_index=False
    )
    term = models.ForeignKey(
        MembershipTerm, verbose_name=_("renewal of"), on_delete=models.CASCADE, related_name="renewal_locks",
        db_index=False,
    )  # fmt: skip
    ladder = models.ForeignKey(
        LadderVersion, verbose_name=_("ladder version"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    price_cents = models.PositiveBigIntegerField(_("locked price"))
    locked_at = models.DateTimeField(_("locked"))
    locked_by = staff_key(_("locked by"), db_index=False)
    until = models.DateTimeField(_("until"))
    released_at = models.DateTimeField(_("released"), null=True, blank=True)

    objects = LockQuerySet.as_manager()

    class Meta:
        verbose_name = _("renewal lock")
        verbose_name_plural = _("renewal locks")
        indexes = [models.Index(fields=["member"], name="lock_of_member")]
        constraints = [
            models.UniqueConstraint(fields=["term"], condition=Q(released_at__isnull=True), name="lock_once"),
            models.CheckConstraint(condition=Q(until__gt=F("locked_at")), name="lock_lasts"),
        ]

    def __str__(self) -> str:
        return f"lock of #{self.member_id}"


class RestoreRule(ReviewedVersion):
    """One version of what a member gets back on return."""

    class Mode(models.TextChoices):
        NOTHING = "nothing", _("Nothing")
        EVERYTHING = "everything", _("Everything, however old")
        YOUNGER = "younger", _("What is younger than so many days")

    mode = models.CharField(_("what is restored"), max_length=12, choices=Mode.choices, default=Mode.YOUNGER)
    younger_than_days = models.PositiveSmallIntegerField(
        _("younger than (days)"), default=180, validators=[MinValueValidator(1), MaxValueValidator(3_660)],
        help_text=_("Counted from the day the benefits were lost."),
    )  # fmt: skip
    restores_tier = models.BooleanField(
        _("the former tier"), default=True, help_text=_("What it gives beyond the tier she returns with.")
    )
    tier_days = models.PositiveSmallIntegerField(
        _("for so many days"), default=30, validators=[MinValueValidator(1), MaxValueValidator(366)]
    )
    restores_unlocked = models.BooleanField(
        _("unlocked benefits"), default=True, help_text=_("Without being unlocked by use again.")
    )
    restores_remaining = models.BooleanField(
        _("one-off amounts that were left"), default=True,
        help_text=_("Of what is given once a term, and what was carried over."),
    )  # fmt: skip
    restores_points = models.BooleanField(_("points"), default=True)
    on_purchase = models.BooleanField(_("when she buys"), default=True)
    on_gift = models.BooleanField(_("when a term is given to her"), default=True)

    class Meta(ReviewedVersion.Meta):
        verbose_name = _("restore rule")
        verbose_name_plural = _("restore rules")
        constraints = constraints()


class EntitlementSnapshot(models.Model):
    """What a member had when her benefits ended, kept for her return. One for each term that was the last.

    ``balances`` and ``unlocked`` by the number of the benefit; ``memories`` by the code of the door that read them.
    Written by the settling engine, and decided by it once, at the first purchase or gift after it.
    """

    class Outcome(models.TextChoices):
        PENDING = "pending", _("Away")
        RESTORED = "restored", _("Restored")
        NOTHING = "nothing", _("The rule restores nothing")
        OTHER_WAY = "other_way", _("Not on this kind of return")
        TOO_OLD = "too_old", _("Too old")
        UNBROKEN = "unbroken", _("Was never away")

    # ``snapshot_of_member`` serves.
    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="snapshots", db_index=False
    )
    taken_at = models.DateTimeField(_("lost"))
    term = models.OneToOneField(
        MembershipTerm, verbose_name=_("last term"), on_delete=models.CASCADE, related_name="snapshot"
    )
    tier = models.ForeignKey(
        Tier, verbose_name=_("last tier"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    plan = models.ForeignKey(
        Plan, verbose_name=_("last plan"), null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        db_index=False,
    )  # fmt: skip
    ladder = models.ForeignKey(
        LadderVersion, verbose_name=_("ladder version"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    balances = models.JSONField(_("balances"), default=dict)
    unlocked = models.JSONField(_("unlocked benefits"), default=dict)
    memories = models.JSONField(_("kept by other engines"), default=dict)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome.choices, default=Outcome.PENDING)
    returned_at = models.DateTimeField(_("returned"), null=True, blank=True)
    return_term = models.ForeignKey(
        MembershipTerm, verbose_name=_("returned with"), null=True, blank=True, on_delete=models.SET_NULL,
        related_name="+",
    )  # fmt: skip
    rule = models.ForeignKey(
        RestoreRule, verbose_name=_("restore rule"), null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        db_index=False,
    )  # fmt: skip
    restored_at = models.DateTimeField(_("restored"), null=True, blank=True)
    restored = models.JSONField(_("what was restored"), default=dict)

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        verbose_name = _("entitlement memory")
        verbose_name_plural = _("entitlement memories")
        indexes = [
            models.Index(fields=["member", "taken_at"], name="snapshot_of_member"),
            models.Index(fields=["outcome", "taken_at"], name="snapshot_outcome"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="pending") ^ Q(returned_at__isnull=False), name="snapshot_decided_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome="restored") ^ Q(restored_at__isnull=True), name="snapshot_restored"
            ),
        ]

    def __str__(self) -> str:
        return f"memory of #{self.member_id}"
