"""Rolling counters follow the events: exact at the instant asked for, however late or disordered they came."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from members.counters import querysets
from members.counters.wanted import CounterKey, wanted_counters


@transaction.atomic
def bring_up(*, keys: Collection[CounterKey], at: datetime) -> dict[CounterKey, int]:
    """Make these counters exact at ``at``; returns the id of each.

    The counters stay locked until the caller's transaction ends, so that what it reads of them is of this instant. One
    that stands at a later instant already, or whose event nobody has seen, is left out: read the events instead. Safe
    to run concurrently with itself and with programs that send.
    """
    ready: dict[CounterKey, int] = {}
    if not keys:
        return ready
    locked = querysets.lock_counters((key.event, key.window_seconds) for key in keys)
    for counter, event, window_seconds, definition, counted_at, snapshot, own_xid, own_last_id in locked:
        window = timedelta(seconds=window_seconds)
        params = {"counter": counter, "definition": definition, "at": at, "from": at - window}
        if counted_at and counted_at > at:
            continue
        # Far behind, what left and came is more than what there is.
        if counted_at is None or at - counted_at > window / 2:
            querysets.build(params)
        else:
            seen = {"snapshot": snapshot, "own_xid": own_xid, "own_last_id": own_last_id}
            querysets.move(params | seen | {"old_at": counted_at, "old_from": counted_at - window})
        ready[CounterKey(event, window_seconds)] = counter
    return ready


@transaction.atomic
def forget_unwanted() -> None:
    """Delete the counters that no live rule reads."""
    querysets.forget_others((key.event, key.window_seconds) for key in wanted_counters())
