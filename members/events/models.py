from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from members.events.querysets.catalogue import EventDefinitionQuerySet
from members.events.querysets.keys import WriteKeyQuerySet
from members.events.querysets.sources import IngestDayQuerySet, SourceQuerySet
from members.people.models import Identity, Member


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


class WriteKey(models.Model):
    """What a program signs in with. Only its hash is kept; the key itself is shown once."""

    class Scope(models.TextChoices):
        EVENTS = "events", _("Events")
        PROFILES = "profiles", _("Profiles")

    source = models.ForeignKey(Source, verbose_name=_("source"), on_delete=models.PROTECT, related_name="write_keys")
    label = models.CharField(_("label"), max_length=80)
    prefix = models.CharField(_("begins with"), max_length=12)
    # SHA-256 without salt: the key is 256 random bits, so there is no dictionary to try.
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope.choices), verbose_name=_("may send"))
    created_at = models.DateTimeField(_("made"))
    created_by = staff_key(_("made by"), null=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("ends"), null=True, blank=True)

    objects = WriteKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("write key")
        verbose_name_plural = _("write keys")
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix}…)"


class ParkedEvent(models.Model):
    """A message about somebody not known yet, by the identity it named; replayed when she appears."""

    source = models.ForeignKey(Source, verbose_name=_("source"), on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(_("identity kind"), max_length=16, choices=Identity.Kind.choices)
    value = models.CharField(_("identity"), max_length=200)
    anonymous_id = models.CharField(_("anonymous id"), max_length=200, blank=True)
    type = models.CharField(_("message type"), max_length=16)
    name = models.CharField(_("event name"), max_length=120, blank=True)
    message_id = models.CharField(_("message id"), max_length=120)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"), db_index=True)
    value_cents = models.BigIntegerField(_("value"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    payload = models.JSONField(_("properties"), default=dict, blank=True)

    class Meta:
        verbose_name = _("parked event")
        verbose_name_plural = _("parked events")
        constraints = [models.UniqueConstraint(fields=["source", "message_id"], name="parked_source_message")]
        indexes = [models.Index(fields=["kind", "value"], name="parked_identity")]

    def __str__(self) -> str:
        return self.message_id


class TraitStamp(models.Model):
    """Which message set a trait of a member last, so that a later one wins in whatever order they arrive."""

    pk = models.CompositePrimaryKey("member", "name")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="trait_stamps", db_index=False)
    name = models.CharField(_("trait"), max_length=120)
    stated_at = models.DateTimeField(_("stated"))
    message_id = models.CharField(_("message id"), max_length=120)

    class Meta:
        verbose_name = _("trait stamp")
        verbose_name_plural = _("trait stamps")

    def __str__(self) -> str:
        return self.name


class EventProperty(models.Model):
    """A property seen on an event, with the JSON types it had. At most ``MAX_PROPERTIES`` are kept per event."""

    definition = models.ForeignKey(
        EventDefinition, verbose_name=_("event"), on_delete=models.CASCADE, related_name="properties", db_index=False
    )
    name = models.CharField(_("property"), max_length=120)
    types = ArrayField(models.CharField(max_length=8), verbose_name=_("types seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    sample_count = models.BigIntegerField(_("samples"), default=0)

    class Meta:
        verbose_name = _("event property")
        verbose_name_plural = _("event properties")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["definition", "name"], name="property_definition_name")]

    def __str__(self) -> str:
        return self.name


class EventDay(models.Model):
    """How many events of a name occurred on a date of the project's: the sum over ``slot``.

    Writers at the same time add to different slots (``members.events.querysets.events.SLOT``), so that none waits for
    another's commit.
    """

    pk = models.CompositePrimaryKey("definition", "local_on", "slot")
    definition = models.ForeignKey(EventDefinition, on_delete=models.CASCADE, related_name="days", db_index=False)
    local_on = models.DateField(_("local date"))
    slot = models.PositiveSmallIntegerField(default=0, editable=False)
    events = models.BigIntegerField(_("events"), default=0)
    last_at = models.DateTimeField(_("last event"))

    class Meta:
        verbose_name = _("event day")
        verbose_name_plural = _("event days")

    def __str__(self) -> str:
        return f"{self.local_on}"


class IngestDay(models.Model):
    """What became of the messages a source sent on a date of the project's: the sum over ``slot``, as ``EventDay``."""

    pk = models.CompositePrimaryKey("source", "local_on", "slot")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="ingest_days", db_index=False)
    local_on = models.DateField(_("local date"))
    slot = models.PositiveSmallIntegerField(default=0, editable=False)
    accepted = models.BigIntegerField(_("accepted"), default=0)
    duplicate = models.BigIntegerField(_("repeated"), default=0)
    rejected = models.BigIntegerField(_("rejected"), default=0)
    parked = models.BigIntegerField(_("parked"), default=0)

    objects = IngestDayQuerySet.as_manager()

    class Meta:
        verbose_name = _("ingest day")
        verbose_name_plural = _("ingest days")

    def __str__(self) -> str:
        return f"{self.local_on}"
