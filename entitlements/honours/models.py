from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField

from config.engine.moves import declare
from config.staff.keys import staff_key
from entitlements.benefits.models import Benefit
from entitlements.honours.lifecycle import MOVES, RunStatus
from entitlements.honours.querysets.advisers import AssignmentQuerySet
from entitlements.honours.querysets.ranking import AwardQuerySet, RunQuerySet
from members.people.models import Member

MOST_PLACES = 1_000


class Style(models.TextChoices):
    """How a frame, a badge or a title is drawn; each is a class of static/css/honours.css."""

    SILVER = "silver", _("Silver")
    GOLD = "gold", _("Gold")
    ONYX = "onyx", _("Onyx")
    JADE = "jade", _("Jade")
    ROSE = "rose", _("Rose")


class Adornment(models.Model):
    """What a benefit shows of whoever has it. What a member wears follows from her grants and is stored nowhere."""

    class Form(models.TextChoices):
        FRAME = "frame", _("Avatar frame")
        BADGE = "badge", _("Badge on the profile")
        TITLE = "title", _("Title")
        ADVISER = "adviser", _("Dedicated adviser")
        SERVICE = "service", _("Service target")

    benefit = models.OneToOneField(
        Benefit, verbose_name=_("benefit"), primary_key=True, on_delete=models.CASCADE, related_name="adornment"
    )
    form = models.CharField(_("form"), max_length=8, choices=Form.choices)
    style = models.CharField(_("style"), max_length=8, choices=Style.choices, default=Style.SILVER)
    text = models.CharField(_("words"), max_length=40, blank=True, help_text=_("Empty: the name of the benefit."))
    text_zh = models.CharField(_("words in Chinese"), max_length=40, blank=True)
    # Of several frames one is worn; badges and titles stand in this order.
    prominence = models.PositiveSmallIntegerField(
        _("prominence"), default=1, validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("The higher stands first; of several frames the highest is worn."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("adornment")
        verbose_name_plural = _("adornments")
        ordering = ["form", "-prominence", "benefit"]

    def __str__(self) -> str:
        return f"{self.form} of benefit {self.benefit_id}"

    @property
    def name(self) -> str:
        """Its words, else the benefit's; with ``name_zh`` what ``name_of`` reads."""
        return self.text or self.benefit.name

    @property
    def name_zh(self) -> str:
        return self.text_zh or ("" if self.text else self.benefit.name_zh)


class Honour(models.Model):
    """A title for the first of a year by a measure, such as the hundred who spent the most."""

    code = models.SlugField(_("code"), max_length=48, unique=True)
    name = models.CharField(_("title"), max_length=60)
    name_zh = models.CharField(_("title in Chinese"), max_length=60, blank=True)
    style = models.CharField(_("style"), max_length=8, choices=Style.choices, default=Style.GOLD)
    measure = models.CharField(_("ranked by"), max_length=32)
    top = models.PositiveSmallIntegerField(
        _("places"), default=100, validators=[MinValueValidator(1), MaxValueValidator(MOST_PLACES)]
    )
    worn_days = models.PositiveSmallIntegerField(
        _("worn for (days)"), null=True, blank=True, default=365,
        validators=[MinValueValidator(1), MaxValueValidator(3_660)], help_text=_("Empty: for good."),
    )  # fmt: skip
    benefit = models.ForeignKey(
        Benefit, verbose_name=_("gives the benefit"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    is_archived = models.BooleanField(_("given no more"), default=False)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("honour")
        verbose_name_plural = _("honours")
        ordering = ["is_archived", "-pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("honours:detail", args=[self.pk])


class HonourRun(models.Model):
    """An honour given for one year: a list that is counted, looked at by a person, then given or thrown away.

    Of one honour and year one run is live. ``members`` had something to rank, ``next_value`` is of the first of them
    who got no place. Measure and places are those of the honour when the run was begun.
    """

    Status = RunStatus

    honour = models.ForeignKey(Honour, verbose_name=_("honour"), on_delete=models.PROTECT, related_name="runs")
    year = models.PositiveSmallIntegerField(
        _("year"), validators=[MinValueValidator(2000), MaxValueValidator(2200)]
    )  # fmt: skip
    status = FSMField(_("status"), choices=Status.choices, default=Status.DRAFT, protected=True)
    measure = models.CharField(_("ranked by"), max_length=32)
    top = models.PositiveSmallIntegerField(_("places"))
    begun_at = models.DateTimeField(_("begun"))
    begun_by = staff_key(_("begun by"), blank=False, db_index=False)
    counted_at = models.DateTimeField(_("counted"), null=True, blank=True)
    members = models.PositiveIntegerField(_("members ranked"), default=0)
    placed = models.PositiveSmallIntegerField(_("places taken"), default=0)
    next_value = models.BigIntegerField(_("first without a place"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = staff_key(_("decided by"), db_index=False)
    worn_until = models.DateTimeField(_("worn until"), null=True, blank=True)
    voided_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run of an honour")
        verbose_name_plural = _("runs of honours")
        ordering = ["-year", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["honour", "year"], condition=Q(status__in=["draft", "given"]), name="honour_run_one_live"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft"], decided_at__isnull=True) | Q(decided_at__isnull=False),
                name="honour_run_decided",
            ),
            models.CheckConstraint(
                condition=Q(worn_until__isnull=True) | Q(worn_until__gt=F("decided_at")), name="honour_run_lasts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.honour_id} of {self.year}"

    def get_absolute_url(self) -> str:
        return reverse("honours:run", args=[self.pk])

    @property
    def is_draft(self) -> bool:
        return self.status == HonourRun.Status.DRAFT

    @property
    def is_given(self) -> bool:
        return self.status == HonourRun.Status.GIVEN


declare(HonourRun, "status", MOVES)


class HonourAward(models.Model):
    """A place on the list of a run, and the honour itself once the run is given. One a member and one a rank."""

    run = models.ForeignKey(
        HonourRun, verbose_name=_("list of a year"), on_delete=models.CASCADE, related_name="awards", db_index=False
    )
    member = models.ForeignKey(Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="honour_awards")
    rank = models.PositiveSmallIntegerField(_("place"))
    value = models.BigIntegerField(_("value"))

    objects = AwardQuerySet.as_manager()

    class Meta:
        verbose_name = _("award of an honour")
        verbose_name_plural = _("awards of honours")
        ordering = ["run", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["run", "rank"], name="honour_award_rank_once"),
            models.UniqueConstraint(fields=["run", "member"], name="honour_award_member_once"),
            models.CheckConstraint(condition=Q(rank__gte=1), name="honour_award_ranked"),
        ]

    def __str__(self) -> str:
        return f"rank {self.rank} of run {self.run_id}"


class AdviserAssignment(models.Model):
    """Who looks after a member. It counts while she has a benefit that gives her an adviser and rests otherwise."""

    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="adviser_assignments"
    )
    adviser = staff_key(_("adviser"), null=False, related_name="advises", db_index=False)
    assigned_at = models.DateTimeField(_("assigned"))
    assigned_by = staff_key(_("assigned by"), blank=False, db_index=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("adviser of a member")
        verbose_name_plural = _("advisers of members")
        ordering = ["-assigned_at", "-pk"]
        indexes = [
            models.Index(fields=["adviser", "member"], name="adviser_members", condition=Q(ended_at__isnull=True))
        ]
        constraints = [
            models.UniqueConstraint(fields=["member"], condition=Q(ended_at__isnull=True), name="adviser_one_at_once"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("assigned_at")), name="adviser_ends_after"
            ),
        ]

    def __str__(self) -> str:
        return f"adviser of #{self.member_id}"
