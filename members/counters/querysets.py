"""The statements behind rolling counters: built from all events of the window, or moved on by what came and went.

What a counter has seen is a snapshot and not an instant or an id, because events arrive late and commit in any order.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection

_MAKE = """
INSERT INTO members_eventcounter (definition_id, window_seconds, snapshot, own_xid, own_last_id)
SELECT d.id, w.window_seconds, '', 0, 0
FROM unnest(%(events)s::text[], %(windows)s::bigint[]) AS w (event, window_seconds)
JOIN members_eventdefinition d ON d.name = w.event
WHERE NOT EXISTS (SELECT 1 FROM members_eventcounter c
                  WHERE c.definition_id = d.id AND c.window_seconds = w.window_seconds)
ORDER BY 1, 2 ON CONFLICT DO NOTHING"""

# In one order, so that two that want several wait for each other instead of deadlocking.
_LOCK = """
SELECT c.id, d.name, c.window_seconds, c.definition_id, c.counted_at, c.snapshot, c.own_xid, c.own_last_id
FROM unnest(%(events)s::text[], %(windows)s::bigint[]) AS w (event, window_seconds)
JOIN members_eventdefinition d ON d.name = w.event
JOIN members_eventcounter c ON c.definition_id = d.id AND c.window_seconds = w.window_seconds
ORDER BY c.id FOR UPDATE OF c"""

_NOTE = """
UPDATE members_eventcounter SET counted_at = %(at)s, snapshot = pg_current_snapshot()::text,
  own_xid = pg_current_xact_id()::text::bigint,
  own_last_id = coalesce((SELECT max(id) FROM members_event WHERE recorded_xid = pg_current_xact_id()), 0)
WHERE id = %(counter)s"""

_BUILD = f"""
WITH counted AS (
  INSERT INTO members_eventtally (counter_id, member_id, events)
  SELECT %(counter)s, member_id, count(*) FROM members_event
  WHERE definition_id = %(definition)s AND occurred_at >= %(from)s AND occurred_at <= %(at)s GROUP BY member_id
){_NOTE}"""

_SEEN = """CASE WHEN e.recorded_xid = %(own_xid)s::text::xid8 THEN e.id <= %(own_last_id)s
  ELSE pg_visible_in_snapshot(e.recorded_xid, %(snapshot)s::pg_snapshot) END"""

# Of the events seen, some leave the window and some, told ahead of time, come into it; the others are new to us.
_MOVE = f"""
WITH delta AS MATERIALIZED (
  SELECT member_id, sum(n) AS n FROM (
    SELECT e.member_id, -1 AS n FROM members_event e WHERE e.definition_id = %(definition)s
      AND e.occurred_at >= %(old_from)s AND e.occurred_at < %(from)s AND {_SEEN}
    UNION ALL
    SELECT e.member_id, 1 FROM members_event e WHERE e.definition_id = %(definition)s
      AND e.occurred_at > %(old_at)s AND e.occurred_at <= %(at)s AND {_SEEN}
    UNION ALL
    SELECT e.member_id, 1 FROM members_event e WHERE e.definition_id = %(definition)s
      AND e.recorded_xid >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)
      AND e.occurred_at >= %(from)s AND e.occurred_at <= %(at)s AND NOT {_SEEN}
  ) c GROUP BY member_id HAVING sum(n) <> 0
),
moved AS (
  MERGE INTO members_eventtally t USING delta d ON t.counter_id = %(counter)s AND t.member_id = d.member_id
  WHEN MATCHED AND t.events + d.n = 0 THEN DELETE
  WHEN MATCHED THEN UPDATE SET events = t.events + d.n
  WHEN NOT MATCHED THEN INSERT (counter_id, member_id, events) VALUES (%(counter)s, d.member_id, d.n)
  RETURNING 1
){_NOTE}"""

_FORGET = """
WITH wanted AS (
  SELECT d.id AS definition_id, w.window_seconds
  FROM unnest(%(events)s::text[], %(windows)s::bigint[]) AS w (event, window_seconds)
  JOIN members_eventdefinition d ON d.name = w.event
),
gone AS (
  DELETE FROM members_eventcounter c WHERE NOT EXISTS (
    SELECT 1 FROM wanted w WHERE w.definition_id = c.definition_id AND w.window_seconds = c.window_seconds)
  RETURNING id
)
DELETE FROM members_eventtally t USING gone g WHERE t.counter_id = g.id RETURNING t.counter_id"""


def _run(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def _named(keys: Iterable[tuple[str, int]]) -> dict[str, list[Any]]:
    pairs = sorted(set(keys))
    return {"events": [event for event, _ in pairs], "windows": [seconds for _, seconds in pairs]}


def lock_counters(keys: Iterable[tuple[str, int]]) -> list[tuple[Any, ...]]:
    """Lock the counters of these (event, window), made where missing; an event nobody has seen has none.

    Rows are (id, event, window_seconds, definition_id, counted_at, snapshot, own_xid, own_last_id).
    """
    named = _named(keys)
    _run(_MAKE, named)
    return _run(_LOCK, named)


def build(params: dict[str, Any]) -> None:
    """Count a locked counter from nothing: all events of the window."""
    # Its own statement: in one with the counting, the same rows would be deleted and inserted.
    _run("DELETE FROM members_eventtally WHERE counter_id = %(counter)s", params)
    _run(_BUILD, params)


def move(params: dict[str, Any]) -> None:
    """Bring a locked counter from where it stands to a later instant, by what came and went in between."""
    _run(_MOVE, params)


def forget_others(keys: Iterable[tuple[str, int]]) -> None:
    """Delete the counters that are none of these."""
    _run(_FORGET, _named(keys))
