from django.db import models
from django.utils.translation import gettext_lazy as _

from members.events.models import EventDefinition, Source
from members.people.models import Member


class EventRecord(models.Model):
    """The event log keyed by its sequence number alone: the admin cannot show a composite key. Read only."""

    id = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"))
    member = models.ForeignKey(Member, verbose_name=_("member"), on_delete=models.DO_NOTHING, related_name="+")
    definition = models.ForeignKey(
        EventDefinition, verbose_name=_("event"), on_delete=models.DO_NOTHING, related_name="+"
    )
    source = models.ForeignKey(Source, verbose_name=_("source"), on_delete=models.DO_NOTHING, related_name="+")
    message_id = models.CharField(_("message id"), max_length=120)
    value_cents = models.BigIntegerField(_("value"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    properties = models.JSONField(_("properties"), default=dict, blank=True)

    class Meta:
        managed = False
        db_table = "members_event"
        app_label = "members"
        verbose_name = _("event")
        verbose_name_plural = _("events")

    def __str__(self) -> str:
        return f"event {self.pk}"
