"""Which sources are heard, and which should have been."""

from datetime import datetime, timedelta

from members.events.models import Source
from members.lifecycle.feeds import Feed


def read_feed(at: datetime) -> Feed:
    """The activity sources that have ever spoken, as the lifecycle engine asks for them."""
    sources = list(Source.objects.filter(is_activity_source=True, connected_at__isnull=False))
    connected = min((source.connected_at for source in sources if source.connected_at), default=None)
    return Feed(connected, any(is_stale(source, at) for source in sources))


def is_stale(source: Source, at: datetime) -> bool:
    """Whether a source that must report has been silent for longer than it may."""
    heard_at = source.last_event_at or source.connected_at
    if source.stale_after_hours is None or heard_at is None:
        return False
    return at - heard_at > timedelta(hours=source.stale_after_hours)
