from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from entitlements.benefits.models import Benefit, LadderVersion
from entitlements.grants.querysets.balances import BalanceQuerySet, Reaches
from entitlements.grants.querysets.grants import GrantQuerySet
from entitlements.grants.querysets.standings import PlaceQuerySet
from entitlements.grants.querysets.units import UnitsField
from members.people.models import Member
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm


class Standing(models.Model):
    """Where a member's benefits come from now, and when to look again. Written by the settling engine alone.

    No tier: the free tier. ``until`` is the instant at which that source ends.
    """

    class Via(models.TextChoices):
        FREE = "free", _("No membership")
        TERM = "term", _("Membership term")
        GRACE = "grace", _("Held in the grace")
        TIER = "tier", _("A tier she earned or was given")

    member = models.OneToOneField(
        Member, verbose_name=_("member"), primary_key=True, on_delete=models.CASCADE, related_name="standing"
    )
    via = models.CharField(_("comes from"), max_length=8, choices=Via.choices, default=Via.FREE)
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    plan = models.ForeignKey(
        Plan, verbose_name=_("plan"), null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    term = models.ForeignKey(
        MembershipTerm, verbose_name=_("term"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        db_index=False,
    )  # fmt: skip
    since = models.DateTimeField(_("since"), null=True, blank=True)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    next_due_at = models.DateTimeField(_("next look"), null=True, blank=True)
    # What was seen of the terms and the tier then (``grants.querysets.facts``).
    seen = models.BigIntegerField(null=True, editable=False)

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("standing")
        verbose_name_plural = _("standings")
        indexes = [
            models.Index(fields=["next_due_at"], name="standing_due", condition=Q(next_due_at__isnull=False)),
            models.Index(fields=["tier", "via"], name="standing_tier"),
        ]

    def __str__(self) -> str:
        return f"{self.via} of #{self.member_id}"


class Grant(models.Model):
    """What one member was given, and why. Immutable but for its voiding, which is never retroactive.

    With ``recurs`` the amount is there anew in each usage period, counted from ``anchor_at`` or by the calendar;
    otherwise once. No amount: no limit. It is in force in ``[effective_at, expires_at)`` until it is voided.
    """

    class Source(models.TextChoices):
        TERM = "term", _("Membership term")
        GRACE = "grace", _("Held in the grace")
        TIER = "tier", _("Tier")
        FREE = "free", _("Free tier")
        PACK = "pack", _("Benefit pack")
        TASK = "task", _("Growth task")
        CAMPAIGN = "campaign", _("Campaign")
        COMPENSATION = "compensation", _("Compensation")
        RESTORE = "restore", _("Restored on return")
        HONOUR = "honour", _("Honour")
        MANUAL = "manual", _("By hand")

    class VoidReason(models.TextChoices):
        SOURCE_ENDED = "source_ended", _("Its source ended early")
        LADDER = "ladder", _("The ladder changed")
        HAND = "hand", _("By hand")

    # ``grant_of_member`` serves.
    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="grants", db_index=False
    )
    benefit = models.ForeignKey(
        Benefit, verbose_name=_("benefit"), on_delete=models.PROTECT, related_name="grants", db_index=False
    )
    source = models.CharField(_("source"), max_length=12, choices=Source.choices)
    # Of the term, tier, pack or run of an honour that it names; not a foreign key, for it names rows of several tables.
    source_id = models.BigIntegerField(_("source number"), null=True, blank=True)
    amount = models.PositiveBigIntegerField(_("amount"), null=True, blank=True)
    level = models.CharField(_("level"), max_length=40, blank=True)
    recurs = models.BooleanField(_("anew in each usage period"), default=True)
    priority = models.PositiveSmallIntegerField(_("priority"), default=100, help_text=_("Lower is used first."))
    early_hours = models.PositiveIntegerField(_("early access (hours)"), default=0)
    anchor_at = models.DateTimeField(_("periods counted from"))
    effective_at = models.DateTimeField(_("in force from"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    voided_at = models.DateTimeField(_("voided"), null=True, blank=True)
    void_reason = models.CharField(_("why voided"), max_length=12, choices=VoidReason.choices, blank=True)
    ladder = models.ForeignKey(
        LadderVersion, verbose_name=_("ladder version"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="+", db_index=False,
    )  # fmt: skip
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"))
    created_by = staff_key(_("given by"), db_index=False)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        ordering = ["effective_at", "pk"]
        indexes = [models.Index(fields=["member", "benefit"], name="grant_of_member")]
        constraints = [
            # What the settling engine gives, it gives once.
            models.UniqueConstraint(
                fields=["member", "benefit", "source", "source_id"],
                name="grant_once",
                condition=Q(voided_at__isnull=True, source__in=["term", "grace", "tier", "free"]),
            ),
            # What is restored is restored once, and again only after the return it came with was taken back.
            models.UniqueConstraint(
                fields=["member", "benefit", "source_id", "recurs"],
                name="grant_restored_once",
                condition=Q(source="restore", voided_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("effective_at")), name="grant_lasts"
            ),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True, void_reason="") | Q(voided_at__isnull=False) & ~Q(void_reason=""),
                name="grant_voided_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} grant of #{self.member_id}"

    @property
    def void_label(self) -> str:
        """Why it was voided. The choice "By hand" reads as if it were given by hand: a source has that label too."""
        is_by_hand = self.void_reason == self.VoidReason.HAND
        return gettext("Taken back by hand") if is_by_hand else self.get_void_reason_display()


class Lot(models.Model):
    """What of one bucket was used in one usage period, as of the last settling. No row: nothing yet.

    A bucket is what the ladder allows (``LADDER``), what was carried over (``CARRIED``), the grant of that number, or
    what went beyond a soft limit and is not settled (``OVERAGE``). ``units`` are the numbers of the units used, which
    say whose use lies here: what is taken back comes back to the lots that it burned.
    """

    LADDER = 0
    CARRIED = -1
    OVERAGE = -2

    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="lots", db_index=False
    )
    benefit = models.ForeignKey(
        Benefit, verbose_name=_("benefit"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    bucket = models.BigIntegerField(_("bucket"))
    opens_at = models.DateTimeField(_("opens"))
    closes_at = models.DateTimeField(_("closes"), null=True, blank=True)
    # Of what was carried over alone; the others' amounts are their grants'.
    amount = models.PositiveBigIntegerField(_("amount"), null=True, blank=True)
    used = models.PositiveBigIntegerField(_("used"), default=0)
    units = UnitsField(default="{}", editable=False)

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        constraints = [
            models.UniqueConstraint(fields=["member", "benefit", "bucket", "opens_at"], name="lot_once"),
        ]

    def __str__(self) -> str:
        return f"lot of #{self.member_id}"


class Balance(models.Model):
    """What a member has of a benefit until ``valid_until``: the row that a use changes, guarded by its own columns.

    ``granted`` and ``used`` are of the buckets open now. Of all ``units`` ever used, overage too, ``laid`` already lie
    in lots; the rest was used since ``settled_at`` and is laid there in burn order at the next settling.
    """

    pk = models.CompositePrimaryKey("member", "benefit")
    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="balances", db_index=False
    )
    benefit = models.ForeignKey(
        Benefit, verbose_name=_("benefit"), on_delete=models.PROTECT, related_name="balances", db_index=False
    )
    is_open = models.BooleanField(_("has access"))
    granted = models.PositiveBigIntegerField(_("granted"), null=True, blank=True)
    used = models.PositiveBigIntegerField(_("used"), default=0)
    units = models.PositiveBigIntegerField(default=0)
    laid = models.PositiveBigIntegerField(default=0)
    overage = models.PositiveBigIntegerField(_("overage"), default=0)
    level = models.CharField(_("level"), max_length=40, blank=True)
    early_hours = models.PositiveIntegerField(_("early access (hours)"), default=0)
    # Of the ladder's allowance.
    allowance = models.PositiveBigIntegerField(null=True, blank=True)
    period_start = models.DateTimeField(_("usage period from"), null=True, blank=True)
    period_end = models.DateTimeField(_("usage period to"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled"))
    valid_until = models.DateTimeField(_("holds until"), null=True, blank=True)
    uses = models.PositiveBigIntegerField(_("uses ever"), default=0)
    first_used_at = models.DateTimeField(_("first used"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    objects = BalanceQuerySet.as_manager()

    class Meta:
        verbose_name = _("balance")
        verbose_name_plural = _("balances")
        indexes = [models.Index(fields=["benefit", "member"], name="balance_of_benefit")]
        constraints = [
            models.CheckConstraint(
                condition=Q(granted__isnull=True) | Q(used__lte=F("granted")), name="balance_not_negative"
            ),
            models.CheckConstraint(condition=Q(laid__lte=F("units")), name="balance_laid"),
        ]

    def __str__(self) -> str:
        return f"balance of #{self.member_id}"

    @property
    def remaining(self) -> int | None:
        """What may still be used; None is no limit."""
        return None if self.granted is None else self.granted - self.used

    def has_room(self, amount: int) -> bool:
        """Whether so much may be used within the limit."""
        return self.remaining is None or amount <= self.remaining


Balance._meta.get_field("used").register_lookup(Reaches)


class FactCursor(models.Model):
    """How far a reader of a log has come: everything below this transaction number was read."""

    reader = models.CharField(max_length=32, primary_key=True)
    after = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("reading position")
        verbose_name_plural = _("reading positions")

    def __str__(self) -> str:
        return self.reader
