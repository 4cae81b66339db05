from django.db import models
from django.utils.translation import gettext_lazy as _

from members.ingest.querysets.catalogue import EventDefinitionQuerySet
from members.ingest.querysets.sources import SourceQuerySet
from members.models.people import Member


class Source(models.Model):
    """Where events come from. The first activity source starts the silence rules; a stale one suspends them."""

    code = models.SlugField(_("code"), max_length=32, unique=True)
    name = models.CharField(_("name"), max_length=80)
    is_activity_source = models.BooleanField(_("reports activity"), default=True)
    connected_at = models.DateTimeField(_("connected"), null=True, blank=True)
    last_event_at = models.DateTimeField(_("last event"), null=True, blank=True)
    stale_after_hours = models.PositiveSmallIntegerField(
        _("stale after (hours)"), null=True, blank=True, help_text=_("Empty: never counts as stale.")
    )
    creates_members = models.BooleanField(
        _("creates members"), default=False, db_default=False,
        help_text=_("Somebody not known yet becomes a prospect. Otherwise her events wait until she appears."),
    )  # fmt: skip

    objects = SourceQuerySet.as_manager()

    class Meta:
        verbose_name = _("event source")
        verbose_name_plural = _("event sources")

    def __str__(self) -> str:
        return self.name


class EventDefinition(models.Model):
    """An event name the project has seen and what it means."""

    name = models.CharField(_("event name"), max_length=120, unique=True)
    label = models.CharField(_("label"), max_length=120, blank=True)
    label_zh = models.CharField(_("Chinese label"), max_length=120, blank=True)
    is_activity = models.BooleanField(_("counts as activity"), default=True)
    carries_money = models.BooleanField(_("carries money"), default=False, db_default=False)
    consumes_benefit = models.BooleanField(_("consumes a benefit"), default=False, db_default=False)
    # Set when ``is_activity`` changed and the active days have not been counted anew yet.
    recount_due_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EventDefinitionQuerySet.as_manager()

    class Meta:
        verbose_name = _("event definition")
        verbose_name_plural = _("event definitions")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """One behaviour fact, append-only, partitioned by month of ``occurred_at``.

    No foreign key in the database to the definition and the source: it would look at and lock one of a few rows for
    every event. A trigger keeps those rows as long as events name them.
    """

    pk = models.CompositePrimaryKey("occurred_at", "id")
    id = models.BigIntegerField(db_default=models.Value(0))
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"))
    member = models.ForeignKey(Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="events")
    definition = models.ForeignKey(EventDefinition, verbose_name=_("event"), on_delete=models.PROTECT)
    source = models.ForeignKey(Source, verbose_name=_("source"), on_delete=models.PROTECT)
    message_id = models.CharField(_("message id"), max_length=120)
    value_cents = models.BigIntegerField(_("value"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    properties = models.JSONField(_("properties"), default=dict, blank=True)

    class Meta:
        managed = False  # Django cannot create partitioned tables; the first migration does, in SQL.
        db_table = "members_event"
        verbose_name = _("event")
        verbose_name_plural = _("events")

    def __str__(self) -> str:
        return f"event {self.id}"


class EventReceipt(models.Model):
    """That a source's message was taken. Unique ids cannot span partitions, so they live here. No key, as ``Event``."""

    pk = models.CompositePrimaryKey("source", "message_id")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    message_id = models.CharField(max_length=120)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("event receipt")
        verbose_name_plural = _("event receipts")

    def __str__(self) -> str:
        return self.message_id


class ActiveDay(models.Model):
    """That a member was active on a local date, first at ``first_at``."""

    pk = models.CompositePrimaryKey("member", "local_on")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="active_days", db_index=False)
    local_on = models.DateField(_("local date"))
    first_at = models.DateTimeField(_("first activity"))

    class Meta:
        verbose_name = _("active day")
        verbose_name_plural = _("active days")

    def __str__(self) -> str:
        return f"{self.local_on}"
