"""Figures about the sources of events."""

from datetime import datetime

from members.events.feeds import is_stale
from members.events.models import Source


def silent_sources(at: datetime) -> list[tuple[Source, datetime]]:
    """Sources from which nothing has come for longer than they may be silent, by name, each with when it was heard."""
    must_report = Source.objects.filter(stale_after_hours__isnull=False).order_by("name", "pk")
    heard = [(source, source.last_event_at or source.connected_at) for source in must_report if is_stale(source, at)]
    return [(source, heard_at) for source, heard_at in heard if heard_at]
