"""Whether the engine hears of activity: without a feed nobody is silent, and a stale one suspends the silence."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from config.engine.registry import Registry


@dataclass(frozen=True)
class Feed:
    """``connected_at`` is when activity was first heard of, None for never; ``is_stale``: it should have spoken."""

    connected_at: datetime | None
    is_stale: bool


FEEDS = Registry[Callable[[datetime], Feed]]("activity feeds")


def hear(at: datetime) -> Feed:
    """Every registered feed as one: connected since the first, stale when any of them is."""
    feeds = [read(at) for read in FEEDS]
    connected = min((feed.connected_at for feed in feeds if feed.connected_at), default=None)
    return Feed(connected, any(feed.is_stale for feed in feeds))
