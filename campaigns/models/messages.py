from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField

from campaigns.lifecycle import DOT_OF, MOVES, ChannelCode, Reason, Status
from campaigns.models.campaigns import Campaign, CampaignVersion
from campaigns.models.templates import TemplateVersion
from campaigns.querysets.messages import MessageIntentQuerySet
from config.engine.moves import declare
from config.staff.keys import staff_key
from members.people.models import Member


class MessageIntent(models.Model):
    """The one row per member × campaign × step × occurrence that is ever sent. Narrow: what it said is in its content.

    ``on_wire_at`` is set while the outcome may be out of our hands, and cleared only by the server's own refusal.
    """

    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="messages", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    version = models.ForeignKey(
        CampaignVersion, verbose_name=_("version"), on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    occurrence = models.BigIntegerField(_("occurrence"))
    step_key = models.CharField(_("step"), max_length=32)
    channel = models.CharField(_("channel"), max_length=16, choices=ChannelCode.choices)
    status = FSMField(_("status"), max_length=10, choices=Status.choices, default=Status.PENDING, protected=True)
    reason = models.CharField(_("reason"), max_length=24, choices=Reason.choices, blank=True, default="")
    due_at = models.DateTimeField(_("due"))
    expires_at = models.DateTimeField(_("stays true until"))
    planned_at = models.DateTimeField(_("planned"))
    claimed_by = models.CharField(_("claimed by"), max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    on_wire_at = models.DateTimeField(_("on the wire"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    provider_reply = models.CharField(_("server's reply"), max_length=16, blank=True, default="")
    provider_message_id = models.CharField(_("provider's message id"), max_length=120, blank=True, default="")
    template_version = models.ForeignKey(
        TemplateVersion, verbose_name=_("template version"), null=True, blank=True, on_delete=models.PROTECT,
        db_constraint=False, db_index=False,
    )  # fmt: skip

    objects = MessageIntentQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["member", "campaign", "step_key", "occurrence"], name="message_once"),
            models.CheckConstraint(
                condition=~Q(status__in=["suppressed", "expired", "failed", "unknown"]) | ~Q(reason=""),
                name="message_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["claimed", "on_wire"]) | (~Q(claimed_by="") & Q(lease_until__isnull=False)),
                name="message_leased",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["on_wire", "unknown"]) | Q(on_wire_at__isnull=False), name="message_wire_dated"
            ),
            # What left the house was on the wire first; an in-app message never leaves it.
            models.CheckConstraint(
                condition=~Q(status="sent") | Q(channel="in_app") | Q(on_wire_at__isnull=False),
                name="message_sent_by_wire",
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "due_at"], name="message_pending", condition=Q(status="pending")),
            models.Index(fields=["lease_until"], name="message_leases", condition=Q(status__in=["claimed", "on_wire"])),
            models.Index(fields=["due_at", "id"], name="message_due"),
            models.Index(fields=["status", "due_at", "id"], name="message_status_due"),
        ]

    def __str__(self) -> str:
        return f"{self.step_key} to #{self.member_id}"

    @property
    def dot(self) -> str:
        """How the status dot looks."""
        return DOT_OF[self.status]


class MessageContent(models.Model):
    """The plain facts a message was written from; with its immutable template version they give its exact words."""

    intent = models.OneToOneField(
        MessageIntent, verbose_name=_("message"), primary_key=True, on_delete=models.CASCADE, related_name="content",
        db_constraint=False,
    )  # fmt: skip
    context = models.JSONField(_("facts"))
    written_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("message content")
        verbose_name_plural = _("message contents")

    def __str__(self) -> str:
        return f"content of {self.intent_id}"


class Decision(models.Model):
    """Why a step did or did not act on a member after it was planned: cancelled, revived, put off, settled."""

    intent = models.ForeignKey(
        MessageIntent,
        verbose_name=_("message"),
        on_delete=models.CASCADE,
        related_name="decisions",
        db_constraint=False,
    )
    at = models.DateTimeField(_("at"))
    move = models.CharField(_("decision"), max_length=16)
    reason = models.CharField(_("reason"), max_length=24, choices=Reason.choices, blank=True)
    facts = models.JSONField(_("facts"), default=dict, blank=True)
    actor = staff_key(_("actor"))

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.move} {self.intent_id}"


declare(MessageIntent, "status", [move for move in MOVES if None not in move.sources])
