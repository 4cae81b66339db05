from django.db import models
from django.utils.translation import gettext_lazy as _

from members.events.models import EventDefinition
from members.people.models import Member


class EventCounter(models.Model):
    """How often each member did something in a rolling window, exact at the instant ``counted_at``.

    ``snapshot`` says which transactions' events are in the count, whatever the order in which they commit; of the
    transaction that counted, those up to ``own_last_id``. A trigger clears ``counted_at`` when events are changed or
    deleted: the next to read the counter builds it anew.
    """

    definition = models.ForeignKey(EventDefinition, verbose_name=_("event"), on_delete=models.CASCADE, db_index=False)
    window_seconds = models.BigIntegerField(_("window in seconds"))
    counted_at = models.DateTimeField(_("counted"), null=True, blank=True)
    snapshot = models.TextField(blank=True, editable=False)
    own_xid = models.BigIntegerField(default=0, editable=False)
    own_last_id = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("event counter")
        verbose_name_plural = _("event counters")
        constraints = [models.UniqueConstraint(fields=["definition", "window_seconds"], name="counter_once")]

    def __str__(self) -> str:
        return f"#{self.definition_id} in {self.window_seconds} s"


class EventTally(models.Model):
    """A member's number in a counter; nobody has a row for zero."""

    pk = models.CompositePrimaryKey("counter", "member")
    # Not checked row by row: counters and members come out of the tables in the same statement.
    counter = models.ForeignKey(
        EventCounter, on_delete=models.CASCADE, related_name="tallies", db_index=False, db_constraint=False
    )
    member = models.ForeignKey(
        Member, on_delete=models.CASCADE, related_name="event_tallies", db_index=False, db_constraint=False
    )
    events = models.BigIntegerField(_("times"))

    class Meta:
        verbose_name = _("event tally")
        verbose_name_plural = _("event tallies")
        indexes = [models.Index(fields=["counter", "events"], include=["member"], name="tally_events")]

    def __str__(self) -> str:
        return f"#{self.member_id}: {self.events}"
