from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.lifecycle import ChannelCode
from campaigns.querysets.delivery import SuppressionQuerySet
from config.staff.keys import staff_key


class Channel(models.Model):
    """A way to reach members, and how hard to try."""

    code = models.CharField(_("channel"), max_length=16, choices=ChannelCode.choices, primary_key=True)
    is_enabled = models.BooleanField(_("switched on"), default=True)
    default_consent = models.BooleanField(
        _("allowed unless refused"), default=True, help_text=_("What holds for members who never said anything.")
    )
    max_workers = models.PositiveSmallIntegerField(_("workers at once"), default=2)
    timeout_seconds = models.PositiveSmallIntegerField(_("wait for an answer (seconds)"), default=20)
    lease_seconds = models.PositiveSmallIntegerField(_("lease of a claimed message (seconds)"), default=120)
    max_attempts = models.PositiveSmallIntegerField(_("attempts"), default=6)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["code"]
        constraints = [
            # A message on the wire must know its outcome before its lease can die.
            models.CheckConstraint(
                condition=Q(lease_seconds__gt=models.F("timeout_seconds")), name="channel_lease_outlives_timeout"
            )
        ]

    def __str__(self) -> str:
        return str(ChannelCode(self.code).label)


class DeliveryPolicy(models.Model):
    """The one row of rules that hold for every message: the global stop, frequency caps, quiet hours."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    # Part of every Message-ID: another database behind the same mail server never makes the same one.
    installation = models.UUIDField(_("installation"), default=uuid4, editable=False)
    is_sending_stopped = models.BooleanField(_("sending is stopped"), default=False)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    stopped_by = staff_key(_("stopped by"))
    stop_reason = models.CharField(_("reason"), max_length=200, blank=True)
    max_per_day = models.PositiveSmallIntegerField(_("messages a day"), null=True, blank=True, editable=False)
    max_per_week = models.PositiveSmallIntegerField(_("messages a week"), null=True, blank=True, editable=False)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True, editable=False)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("delivery policy")
        verbose_name_plural = _("delivery policies")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="delivery_policy_single")]

    def __str__(self) -> str:
        return str(_("delivery policy"))


class Suppression(models.Model):
    """An address that gets nothing more on a channel until someone lifts it."""

    class Cause(models.TextChoices):
        REFUSED = "refused", _("The server refuses the address")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        MANUAL = "manual", _("By hand")

    channel = models.CharField(_("channel"), max_length=16, choices=ChannelCode.choices)
    address = models.CharField(_("address"), max_length=200)
    cause = models.CharField(_("cause"), max_length=16, choices=Cause.choices)
    since = models.DateTimeField(_("since"))
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        ordering = ["-since"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address"], condition=Q(lifted_at__isnull=True), name="suppression_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} #{self.pk}"
