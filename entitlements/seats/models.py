from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from entitlements.seats.querysets import SeatFaultQuerySet, SeatQuerySet
from members.people.models import Member
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm

MOST_SEATS = 1_000


class SeatPlan(models.Model):
    """How many seats a plan brings besides its owner's own place, and what a seat is worth."""

    class Kind(models.TextChoices):
        FAMILY = "family", _("Family")
        TEAM = "team", _("Team")

    plan = models.OneToOneField(Plan, verbose_name=_("plan"), on_delete=models.PROTECT, related_name="seat_plan")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.FAMILY)
    seats = models.PositiveSmallIntegerField(
        _("seats"), validators=[MaxValueValidator(MOST_SEATS)], help_text=_("Besides the owner; 0 brings none.")
    )
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier of a seat"), null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text=_("Empty: as the plan's."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("plan with seats")
        verbose_name_plural = _("plans with seats")
        constraints = [models.CheckConstraint(condition=Q(seats__lte=MOST_SEATS), name="seat_plan_seats")]

    def __str__(self) -> str:
        return f"{self.plan_id}: {self.seats}"


class SeatGroup(models.Model):
    """A member as the owner of seats: her family or team. A row of its own, so that her seats go along with a merge."""

    member = models.ForeignKey(Member, verbose_name=_("owner"), on_delete=models.CASCADE, related_name="seat_groups")
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("family or team")
        verbose_name_plural = _("families and teams")

    def __str__(self) -> str:
        return f"#{self.pk} of #{self.member_id}"


class Seat(models.Model):
    """One of an owner's places, held by another member since ``given_at``."""

    class EndReason(models.TextChoices):
        TAKEN_BACK = "taken_back", _("Taken back")
        LEFT = "left", _("Left")
        OWNER_LAPSED = "owner_lapsed", _("The owner's membership ended")
        REFUNDED = "refunded", _("The owner's term was refunded or voided")
        PLAN_CHANGED = "plan_changed", _("The owner's plan brings fewer seats")

    group = models.ForeignKey(
        SeatGroup, verbose_name=_("family or team"), on_delete=models.CASCADE, related_name="seats"
    )  # fmt: skip
    member = models.ForeignKey(Member, verbose_name=_("holder"), on_delete=models.CASCADE, related_name="seats")
    given_at = models.DateTimeField(_("held since"))
    given_by = staff_key(_("seat given by"))
    ended_at = models.DateTimeField(_("seat ended"), null=True, blank=True)
    end_reason = models.CharField(_("why ended"), max_length=16, choices=EndReason.choices, blank=True)
    ended_by = staff_key(_("seat ended by"))

    objects = SeatQuerySet.as_manager()

    class Meta:
        verbose_name = _("seat")
        verbose_name_plural = _("seats")
        constraints = [
            models.UniqueConstraint(fields=["member"], condition=Q(ended_at__isnull=True), name="seat_one_open"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end_reason="") | Q(ended_at__isnull=False) & ~Q(end_reason=""),
                name="seat_ended_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} of #{self.member_id}"


class SeatTerm(models.Model):
    """The cover a seat lent for one term of its owner. A term is followed once."""

    seat = models.ForeignKey(
        Seat, verbose_name=_("seat"), on_delete=models.CASCADE, related_name="lent", db_index=False
    )  # fmt: skip
    follows = models.ForeignKey(
        MembershipTerm, verbose_name=_("the owner's term"), on_delete=models.CASCADE, related_name="+"
    )
    term = models.OneToOneField(
        MembershipTerm, verbose_name=_("membership term"), on_delete=models.CASCADE, related_name="seat_term"
    )

    class Meta:
        verbose_name = _("lent term")
        verbose_name_plural = _("lent terms")
        constraints = [models.UniqueConstraint(fields=["seat", "follows"], name="seat_term_once")]

    def __str__(self) -> str:
        return f"#{self.term_id} for #{self.follows_id}"


class SeatFault(models.Model):
    """A seat that could not follow its owner when it was last tried; gone as soon as it follows. Written by the pass.

    ``code`` says why, as ``words.fault_text`` tells it.
    """

    seat = models.OneToOneField(
        Seat, verbose_name=_("seat"), primary_key=True, on_delete=models.CASCADE, related_name="fault"
    )
    code = models.CharField(_("why"), max_length=40)
    found_at = models.DateTimeField(_("found"))
    tried_at = models.DateTimeField(_("last tried"))

    objects = SeatFaultQuerySet.as_manager()

    class Meta:
        verbose_name = _("seat that cannot follow")
        verbose_name_plural = _("seats that cannot follow")

    def __str__(self) -> str:
        return f"{self.code} of seat #{self.seat_id}"
