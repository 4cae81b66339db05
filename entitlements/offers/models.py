from functools import cached_property

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField

from config.engine.moves import declare
from config.staff.keys import staff_key
from entitlements.offers import rules
from entitlements.offers.lifecycle import COUPON_DOTS, COUPON_MOVES, OFFER_DOTS, OFFER_MOVES, CouponStatus, OfferStatus
from entitlements.offers.querysets import CouponQuerySet, IssueRunQuerySet, OfferQuerySet
from members.events.models import WriteKey
from members.people.models import Member
from members.segments.models import Segment
from members.terms.models import MembershipTerm


class Offer(models.Model):
    """What is promised to whoever holds a coupon. A coupon keeps the terms it was issued with."""

    class Kind(models.TextChoices):
        FIRST_PURCHASE = rules.FIRST_PURCHASE, _("First-purchase price")
        JOINING = rules.JOINING, _("Discount on joining")
        THRESHOLD = rules.THRESHOLD, _("Discount from an amount on")
        PRICE_LOCK = rules.PRICE_LOCK, _("Price lock")
        GRACE = rules.GRACE, _("Coupon inside the grace")
        RENEWAL = rules.RENEWAL, _("Renewal discount")
        RETURN_PACK = rules.RETURN_PACK, _("Return pack")
        TRIAL = rules.TRIAL, _("Trial extension")
        LADDER = rules.LADDER, _("Return ladder")
        POINTS = rules.POINTS, _("Points towards the price")

    code = models.SlugField(_("code"), max_length=32, unique=True)
    kind = models.CharField(_("kind"), max_length=24, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    description_zh = models.CharField(_("Chinese description"), max_length=300, blank=True)
    status = FSMField(_("status"), choices=OfferStatus.choices, default=OfferStatus.DRAFT, protected=True)
    # ``rules.Terms`` as JSON; ``version`` counts its changes.
    terms = models.JSONField(_("terms"))
    version = models.PositiveIntegerField(_("version"), default=1)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    valid_days = models.PositiveSmallIntegerField(_("days after issue"), null=True, blank=True)
    per_member = models.PositiveSmallIntegerField(_("coupons per member"), default=1)
    code_prefix = models.CharField(_("code prefix"), max_length=8, blank=True)
    cost_to = models.CharField(_("cost borne by"), max_length=80, blank=True)
    is_returned_on_refund = models.BooleanField(_("comes back after a refund"), default=False)
    created_at = models.DateTimeField(_("created"))
    created_by = staff_key(_("created by"), blank=False)
    updated_at = models.DateTimeField(_("updated"))

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=False) | Q(valid_days__gte=1), name="offer_coupons_expire"
            ),
            models.CheckConstraint(condition=Q(per_member__gte=1), name="offer_per_member"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("offers:detail", args=[self.pk])

    @property
    def dot(self) -> str:
        """What a page shows beside the status."""
        return OFFER_DOTS[self.status]

    @cached_property
    def promise(self) -> rules.Terms:
        """The terms as rules read them."""
        return rules.Terms.read(self.terms)


class OfferBudget(models.Model):
    """What an offer may cost and has cost. One row an offer, so that caps hold by one conditional update."""

    offer = models.OneToOneField(
        Offer, verbose_name=_("offer"), primary_key=True, on_delete=models.CASCADE, related_name="budget"
    )
    budget_cents = models.PositiveBigIntegerField(_("budget"), null=True, blank=True)
    max_coupons = models.PositiveIntegerField(_("most coupons"), null=True, blank=True)
    issued = models.PositiveIntegerField(_("issued"), default=0)
    redeemed = models.PositiveIntegerField(_("redeemed"), default=0)
    expired = models.PositiveIntegerField(_("expired"), default=0)
    revoked = models.PositiveIntegerField(_("revoked"), default=0)
    spent_cents = models.PositiveBigIntegerField(_("spent"), default=0)

    class Meta:
        verbose_name = _("offer budget")
        verbose_name_plural = _("offer budgets")
        constraints = [
            models.CheckConstraint(
                condition=Q(max_coupons__isnull=True) | Q(issued__lte=F("max_coupons") + F("revoked")),
                name="offer_within_count",
            ),
            models.CheckConstraint(
                condition=Q(budget_cents__isnull=True) | Q(spent_cents__lte=F("budget_cents")),
                name="offer_within_budget",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.spent_cents} of {self.budget_cents}"

    @property
    def unused(self) -> int:
        return self.issued - self.redeemed - self.expired - self.revoked

    @property
    def room(self) -> int | None:
        """How many more coupons may be issued; None without a cap."""
        return None if self.max_coupons is None else max(0, self.max_coupons + self.revoked - self.issued)

    @property
    def left_cents(self) -> int | None:
        """What may still be spent; None without a budget."""
        return None if self.budget_cents is None else self.budget_cents - self.spent_cents


class IssueRun(models.Model):
    """An offer on its way to the members of a segment, a batch at a time."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")

    offer = models.ForeignKey(Offer, verbose_name=_("offer"), on_delete=models.PROTECT, related_name="runs")
    segment = models.ForeignKey(Segment, verbose_name=_("segment"), on_delete=models.PROTECT, related_name="+")
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.RUNNING)
    expected = models.PositiveIntegerField(_("expected"))
    issued = models.PositiveIntegerField(_("issued"), default=0)
    # The last member looked at; a worker that dies is followed by one that goes on behind her.
    last_member_id = models.BigIntegerField(default=0)
    stop_reason = models.CharField(_("why it stopped"), max_length=16, blank=True)
    created_at = models.DateTimeField(_("started"))
    created_by = staff_key(_("started by"), blank=False)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = IssueRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("issue run")
        verbose_name_plural = _("issue runs")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["offer"], condition=Q(status="running"), name="issue_run_one_at_a_time")
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"


class Coupon(models.Model):
    """One member's claim on an offer, with the terms as they were when she got it."""

    class Source(models.TextChoices):
        SEGMENT = "segment", _("Issued to a segment")
        MANUAL = "manual", _("Issued by hand")
        CAMPAIGN = "campaign", _("Campaign")
        RESTORE = "restore", _("Restored")

    offer = models.ForeignKey(
        Offer, verbose_name=_("offer"), on_delete=models.PROTECT, related_name="coupons", db_index=False
    )
    member = models.ForeignKey(Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="coupons")
    # Her first, second … of the offer.
    ordinal = models.PositiveSmallIntegerField(_("number"), default=1)
    code = models.CharField(_("code"), max_length=40, unique=True)
    status = FSMField(_("status"), choices=CouponStatus.choices, default=CouponStatus.ISSUED, protected=True)
    source = models.CharField(_("source"), max_length=8, choices=Source.choices)
    run = models.ForeignKey(
        IssueRun, verbose_name=_("run"), null=True, blank=True, on_delete=models.PROTECT, related_name="coupons",
        db_index=False,
    )  # fmt: skip
    terms = models.JSONField(_("terms"))
    version = models.PositiveIntegerField(_("version"))
    is_returnable = models.BooleanField(_("comes back after a refund"), default=False)
    issued_at = models.DateTimeField(_("issued"))
    issued_by = staff_key(_("issued by"), blank=False, db_index=False)
    valid_from = models.DateTimeField(_("valid from"))
    expires_at = models.DateTimeField(_("expires"))
    # When it was redeemed, expired or revoked.
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    term = models.ForeignKey(
        MembershipTerm, verbose_name=_("term"), null=True, blank=True, on_delete=models.SET_NULL, related_name="coupons"
    )
    plan_code = models.CharField(_("plan"), max_length=32, blank=True)
    order_ref = models.CharField(_("order number"), max_length=120, null=True, blank=True, unique=True)
    discount_cents = models.PositiveBigIntegerField(_("discount"), default=0)

    objects = CouponQuerySet.as_manager()

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        ordering = ["-issued_at", "-pk"]
        constraints = [
            # Holds the promise of one (or n) a member, however many issue at once.
            models.UniqueConstraint(
                fields=["offer", "member", "ordinal"], condition=~Q(status="revoked"), name="coupon_per_member"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("issued_at")), name="coupon_lasts"),
            models.CheckConstraint(
                condition=~Q(status="redeemed") | Q(finished_at__isnull=False, order_ref__isnull=False),
                name="coupon_redeemed_with_order",
            ),
        ]
        indexes = [
            models.Index(fields=["offer", "issued_at", "id"], name="coupon_offer_issued"),
            # Who had one already is asked of a whole segment, just after many were written: no other index may look
            # as good to the planner then.
            models.Index(fields=["offer", "member"], name="coupon_offer_member"),
            models.Index(fields=["expires_at"], name="coupon_to_expire", condition=Q(status="issued")),
        ]

    def __str__(self) -> str:
        return f"{self.offer_id} of #{self.member_id}"

    @property
    def dot(self) -> str:
        """What a page shows beside the status."""
        return COUPON_DOTS[self.status]

    @cached_property
    def promise(self) -> rules.Terms:
        """The terms she was promised."""
        return rules.Terms.read(self.terms)


class RedeemCall(models.Model):
    """What was answered to a redemption asked for under an idempotency key, so that the same key gets the same."""

    # A write key is never deleted while its calls are kept.
    key = models.ForeignKey(WriteKey, verbose_name=_("write key"), on_delete=models.CASCADE, db_index=False)
    idempotency_key = models.CharField(_("idempotency key"), max_length=200)
    request_hash = models.CharField(_("request"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"), default=0)
    answer = models.JSONField(_("answer"), default=dict)
    made_at = models.DateTimeField(_("made"), db_index=True)

    class Meta:
        verbose_name = _("redemption call")
        verbose_name_plural = _("redemption calls")
        constraints = [models.UniqueConstraint(fields=["key", "idempotency_key"], name="redeem_call_once")]

    def __str__(self) -> str:
        return f"{self.idempotency_key}: {self.status}"


declare(Offer, "status", OFFER_MOVES)
declare(Coupon, "status", COUPON_MOVES)
