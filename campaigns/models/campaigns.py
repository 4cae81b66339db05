from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField

from campaigns.lifecycle import CAMPAIGN_MOVES, CampaignStatus
from campaigns.querysets.campaigns import CampaignQuerySet, EnrollmentQuerySet
from config.engine.moves import declare
from config.staff.keys import staff_key
from members.people.models import Member
from members.plans.models import Tier


class Campaign(models.Model):
    """Something members are told over days; what exactly is in its versions."""

    Status = CampaignStatus

    code = models.SlugField(_("code"), max_length=48, unique=True)
    name = models.CharField(_("name"), max_length=120)
    name_zh = models.CharField(_("Chinese name"), max_length=120, blank=True)
    status = FSMField(_("status"), choices=Status.choices, default=Status.DRAFT, protected=True)
    current_version = models.ForeignKey(
        "CampaignVersion", verbose_name=_("current version"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="+",
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"))

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="running") | Q(current_version__isnull=False), name="campaign_runs_a_version"
            )
        ]

    def __str__(self) -> str:
        return self.name


declare(Campaign, "status", CAMPAIGN_MOVES)


class CampaignVersion(models.Model):
    """One published definition of a campaign. Immutable.

    ``definition``: ``trigger`` (what starts an occurrence), ``steps`` (key, days before the last day, local time, hours
    it stays true, one message per channel; days and hours only where the trigger asks for them), ``exit`` (reasons that
    end it), ``goal``, ``reentry``, ``holdout`` percent.
    """

    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, related_name="versions"
    )
    number = models.PositiveIntegerField(_("version"))
    definition = models.JSONField(_("definition"))
    published_at = models.DateTimeField(_("published"))
    created_by = staff_key(_("written by"))

    class Meta:
        verbose_name = _("campaign version")
        verbose_name_plural = _("campaign versions")
        ordering = ["campaign", "-number"]
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="campaign_version_number")]

    def __str__(self) -> str:
        return f"{self.campaign} v{self.number}"


class Enrollment(models.Model):
    """A member in a version, once per occurrence (the order whose cover ends, the failed renewal), with its facts."""

    class Exit(models.TextChoices):
        RENEWED = "renewed", _("Renewed")
        AUTO_RENEWAL_ON = "auto_renewal_on", _("Auto-renewal switched on")
        REFUNDED = "refunded", _("Refunded")
        VOIDED = "voided", _("The term was voided")
        REPLACED = "replaced", _("Another term took over")
        FINISHED = "finished", _("Went through every step")

    # No database foreign keys from the planned rows: a key costs a probe a row, and planning is their one writer.
    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="enrollments", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    version = models.ForeignKey(
        CampaignVersion, verbose_name=_("version"), on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    occurrence = models.BigIntegerField(_("occurrence"))
    anchor_at = models.DateTimeField(_("counted from"))
    time_zone = models.CharField(_("time zone"), max_length=64, default="", db_default="")
    # A change of tier may leave the end as it is; this tells the two apart in the hot row.
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    entered_at = models.DateTimeField(_("entered"))
    facts = models.JSONField(_("facts"), default=dict)
    exited_at = models.DateTimeField(_("left"), null=True, blank=True)
    exit_reason = models.CharField(_("why she left"), max_length=24, choices=Exit.choices, blank=True)
    goal_at = models.DateTimeField(_("goal reached"), null=True, blank=True)

    objects = EnrollmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("enrollment")
        verbose_name_plural = _("enrollments")
        constraints = [
            models.UniqueConstraint(fields=["member", "campaign", "occurrence"], name="enrollment_once"),
            models.CheckConstraint(
                condition=Q(exited_at__isnull=True, exit_reason="") | Q(exited_at__isnull=False) & ~Q(exit_reason=""),
                name="enrollment_left_with_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "anchor_at", "member"],
                name="enrollment_running",
                include=["time_zone"],
                condition=Q(exited_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.member_id} in {self.campaign_id}"
