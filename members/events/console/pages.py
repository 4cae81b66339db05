"""What the catalogue and the sources pages show."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings

from members.events.feeds import is_stale
from members.events.models import EventDefinition, Source
from members.people.rules import local_date

VOLUME_DAYS = 30
EVENTS_SHOWN = 200


@dataclass(frozen=True)
class SourceRow:
    """A source with what it sent lately; ``state`` is ``silent``, ``waiting`` (nothing ever came) or ``heard``."""

    source: Any
    state: str

    @property
    def has_errors(self) -> bool:
        return self.source.rejected > 0


def volume_since(at: datetime) -> date:
    """The first of the last ``VOLUME_DAYS`` dates of the project's."""
    return local_date(at, settings.PROJECT_TIME_ZONE) - timedelta(days=VOLUME_DAYS - 1)


def catalogue(text: str, at: datetime) -> list[Any]:
    """The events whose name or label holds ``text``, the busiest first."""
    events = EventDefinition.objects.named_like(text).with_volume(volume_since(at))
    return list(events.order_by("-volume", "name")[:EVENTS_SHOWN])


def event(definition_id: int, at: datetime) -> EventDefinition | None:
    found = EventDefinition.objects.filter(pk=definition_id)
    return found.with_volume(volume_since(at)).prefetch_related("properties").first()


def sources(at: datetime) -> list[SourceRow]:
    return [row_of(source, at) for source in Source.objects.with_volume(volume_since(at)).order_by("name", "pk")]


def row_of(source: Source, at: datetime) -> SourceRow:
    if is_stale(source, at):
        return SourceRow(source, "silent")
    return SourceRow(source, "heard" if source.last_event_at else "waiting")
