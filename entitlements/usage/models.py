from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from entitlements.benefits.models import Benefit
from members.people.models import Member


class UsageRecord(models.Model):
    """One use of a benefit, or one that was refused. Append-only; a use is taken back by a record that says so.

    The columns ending in ``_after`` are what the caller was told, so that the same key gets the same answer.
    """

    class Outcome(models.TextChoices):
        USED = "used", _("Used")
        LIMIT_REACHED = "limit_reached", _("Limit reached")
        NO_ACCESS = "no_access", _("No access")
        LATE = "late", _("Of an earlier time, not counted")
        REVERSED = "reversed", _("Taken back")

    class Origin(models.TextChoices):
        API = "api", _("Program")
        EVENT = "event", _("Event")
        HAND = "hand", _("By hand")

    # ``usage_of_member`` serves.
    member = models.ForeignKey(
        Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="usage", db_index=False
    )
    benefit = models.ForeignKey(
        Benefit, verbose_name=_("benefit"), on_delete=models.PROTECT, related_name="usage", db_index=False
    )
    at = models.DateTimeField(_("used"))
    recorded_at = models.DateTimeField(_("recorded"))
    amount = models.PositiveBigIntegerField(_("amount"))
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices)
    origin = models.CharField(_("through"), max_length=8, choices=Origin.choices)
    # Of this use alone: what went beyond the limit, and what the member saved by the rest.
    overage = models.PositiveBigIntegerField(_("overage"), default=0)
    worth_cents = models.PositiveBigIntegerField(_("worth"), default=0)
    idempotency_key = models.CharField(_("idempotency key"), max_length=200, null=True, blank=True, unique=True)
    # The number of its first unit, the others following; none where nothing was counted.
    first_unit = models.DecimalField(max_digits=38, decimal_places=0, null=True, blank=True, editable=False)
    granted_after = models.PositiveBigIntegerField(null=True, blank=True)
    used_after = models.PositiveBigIntegerField(default=0)
    overage_after = models.PositiveBigIntegerField(default=0)
    # Of what was refused: the words and the way out that the caller was given.
    told = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    reverses = models.OneToOneField(
        "self", verbose_name=_("takes back"), null=True, blank=True, on_delete=models.CASCADE, related_name="reversal"
    )
    actor = staff_key(_("actor"), db_index=False)

    class Meta:
        verbose_name = _("usage record")
        verbose_name_plural = _("usage records")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["member", "benefit", "at"], name="usage_of_member"),
            models.Index(fields=["benefit", "at"], name="usage_of_benefit"),
            BrinIndex(fields=["recorded_at"], name="usage_recorded"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(outcome="reversed") ^ Q(reverses__isnull=True), name="usage_reverses"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} by #{self.member_id}"
