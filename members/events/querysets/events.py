"""The set-based statements behind event ingest: partitions, and one batch of events into every table they touch."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection

# The catalogue describes at most so many properties of an event, from at most so many events of a batch.
MAX_PROPERTIES = 200
PROPERTY_SAMPLE = 1_000
# Within this time only what is new about a property is written: batches would wait for each other's rows.
PROPERTY_NOTED_EVERY = "1 minute"
# Which of the rows that count one thing a writer adds to: all would wait for each other's commit at a single one.
SLOT = "pg_backend_pid() %% 16"
# Last activity is known to the minute: a visit of many events moves the widely indexed row seldom, and to the same
# place in whatever order they come. A clock that is ahead tells nothing beyond the receipt: nobody was active later.
MINUTE = "date_trunc('minute', least({}, {}), 'UTC')"

# Rows are (member_id, name, occurred_at, message_id, value_cents, currency, properties), from any relation.
# What several batches write is written in one order, so that they wait for each other instead of deadlocking. A day
# known to be active is left alone: a conflict would lock its row until the commit. The latest one is known from the
# member's own row, without a look at the day.
INGEST = """
WITH {reading}incoming AS MATERIALIZED ({incoming}),
named AS (
  INSERT INTO members_eventdefinition (name, label, label_zh, is_activity)
  SELECT DISTINCT i.name, '', '', i.name <> 'app_uninstalled' FROM incoming i
  WHERE NOT EXISTS (SELECT 1 FROM members_eventdefinition d WHERE d.name = i.name)
  ON CONFLICT (name) DO UPDATE SET name = excluded.name
  RETURNING id, name, is_activity
),
known AS (
  SELECT id, name, is_activity FROM named UNION ALL SELECT id, name, is_activity FROM members_eventdefinition
),
taken AS (
  INSERT INTO members_eventreceipt (source_id, message_id, received_at)
  SELECT {source}, i.message_id, %(at)s FROM incoming i ORDER BY i.message_id ON CONFLICT DO NOTHING
  RETURNING message_id
),
fresh AS MATERIALIZED (
  SELECT DISTINCT ON (i.message_id) i.*, k.id AS definition_id, k.is_activity,
    (i.occurred_at AT TIME ZONE coalesce(nullif(s.time_zone, ''), %(zone)s))::date AS local_on,
    {minute} AS minute, s.last_active_time AS seen_at, s.active_on, s.active_since
  FROM incoming i
  JOIN taken USING (message_id)
  JOIN known k ON k.name = i.name
  JOIN members_memberlifecycle s ON s.member_id = i.member_id
  ORDER BY i.message_id, i.occurred_at
),
stored AS (
  INSERT INTO members_event (occurred_at, received_at, member_id, definition_id, source_id, message_id, value_cents,
                             currency, properties)
  SELECT f.occurred_at, %(at)s, f.member_id, f.definition_id, {source}, f.message_id, f.value_cents,
         coalesce(f.currency, ''), coalesce(f.properties, '{{}}')
  FROM fresh f
  RETURNING 1
),
counted AS (
  INSERT INTO members_eventday AS d (definition_id, local_on, slot, events, last_at)
  SELECT f.definition_id, (f.occurred_at AT TIME ZONE %(zone)s)::date, {slot}, count(*), max(f.occurred_at) FROM fresh f
  GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (definition_id, local_on, slot) DO UPDATE
    SET events = d.events + excluded.events, last_at = greatest(d.last_at, excluded.last_at)
),
sampled AS (
  SELECT p.definition_id, p.name, array_agg(DISTINCT jsonb_typeof(p.properties -> p.name)) AS types,
    max(p.occurred_at) AS last_at, count(*) AS samples
  FROM (
    SELECT k.id AS definition_id, i.occurred_at, i.properties, jsonb_object_keys(i.properties) AS name
    FROM (SELECT * FROM incoming LIMIT {property_sample}) i
    JOIN known k ON k.name = i.name
    WHERE jsonb_typeof(i.properties) = 'object'
  ) p
  WHERE length(p.name) BETWEEN 1 AND 120
  GROUP BY 1, 2
),
novel AS MATERIALIZED (
  SELECT jsonb_agg(to_jsonb(s)) AS properties FROM sampled s
  LEFT JOIN members_eventproperty e ON e.definition_id = s.definition_id AND e.name = s.name
  WHERE (e.types @> s.types::varchar[] AND e.last_seen_at > s.last_at - interval '{noted_every}') IS NOT TRUE
),
active AS (
  INSERT INTO members_activeday AS a (member_id, local_on, first_at)
  SELECT d.member_id, d.local_on, d.first_at FROM (
    SELECT f.member_id, f.local_on, min(f.occurred_at) AS first_at FROM fresh f
    WHERE f.is_activity AND (f.local_on = f.active_on AND f.occurred_at >= f.active_since) IS NOT TRUE GROUP BY 1, 2
  ) d
  WHERE ((
    SELECT h.first_at FROM members_activeday h WHERE h.member_id = d.member_id AND h.local_on = d.local_on
  ) <= d.first_at) IS NOT TRUE
  ORDER BY 1, 2
  ON CONFLICT (member_id, local_on) DO UPDATE SET first_at = excluded.first_at WHERE excluded.first_at < a.first_at
  RETURNING member_id, local_on, first_at
),
left_app AS (
  INSERT INTO members_membersignal (member_id, kind, at)
  SELECT f.member_id, 'uninstalled', f.occurred_at FROM fresh f WHERE f.name = 'app_uninstalled'
  RETURNING member_id, at
),
touched AS (
  SELECT member_id, min(at) AS due_at, max(last_at) AS last_at, max(local_on) AS active_on,
    max(at) FILTER (WHERE local_on IS NOT NULL) AS active_since FROM (
    SELECT member_id, first_at AS at, NULL::timestamptz AS last_at, local_on FROM active
    UNION ALL SELECT member_id, at, NULL, NULL FROM left_app
    UNION ALL SELECT member_id, NULL, minute, NULL FROM fresh WHERE is_activity AND (minute > seen_at) IS NOT FALSE
  ) t GROUP BY member_id
),
marked AS (
  UPDATE members_memberlifecycle s SET
    next_due_at = least(s.next_due_at, t.due_at),
    last_active_time = greatest(s.last_active_time, t.last_at),
    active_on = greatest(s.active_on, t.active_on),
    active_since = CASE WHEN s.active_on IS NULL OR s.active_on <= t.active_on THEN t.active_since
      ELSE s.active_since END
  FROM touched t
  WHERE s.member_id = t.member_id
  RETURNING 1
),
total AS MATERIALIZED (
  SELECT (SELECT count(*) FROM stored) AS stored, (SELECT count(*) FROM incoming) AS offered,
    (SELECT properties FROM novel) AS properties
){report}"""

# What ``novel`` holds. A statement of its own, because seldom anything does.
DESCRIBE = f"""
INSERT INTO members_eventproperty AS d (definition_id, name, types, last_seen_at, sample_count)
SELECT s.definition_id, s.name, s.types, s.last_at, s.samples FROM (
  SELECT s.*, e.id IS NOT NULL AS is_known,
    row_number() OVER (PARTITION BY s.definition_id, e.id IS NULL ORDER BY s.name) + (
      SELECT count(*) FROM members_eventproperty h WHERE h.definition_id = s.definition_id) AS place
  FROM jsonb_to_recordset(%(properties)s::jsonb) AS s (
    definition_id bigint, name varchar(120), types varchar[], last_at timestamptz, samples bigint)
  LEFT JOIN members_eventproperty e ON e.definition_id = s.definition_id AND e.name = s.name
) s WHERE s.is_known OR s.place <= {MAX_PROPERTIES} ORDER BY 1, 2
ON CONFLICT (definition_id, name) DO UPDATE SET
  types = ARRAY(SELECT DISTINCT t FROM unnest(d.types || excluded.types) t ORDER BY t),
  last_seen_at = greatest(d.last_seen_at, excluded.last_seen_at),
  sample_count = d.sample_count + excluded.sample_count"""

TOTAL = "\nSELECT stored, offered, properties FROM total"

_FROM_JSON = """
SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
  member_id bigint, name varchar(120), occurred_at timestamptz, message_id varchar(120), value_cents bigint,
  currency varchar(3), properties jsonb)"""


def ensure_partitions(first_on: date, last_on: date) -> list[str]:
    """Make the monthly partitions that cover the dates, where missing; returns the names made. Idempotent."""
    months = []
    month = first_on.replace(day=1)
    while month <= last_on:
        months.append(month)
        month = _following(month)
    return ensure_months(months)


def ensure_months(months: Sequence[date]) -> list[str]:
    """Make the partitions of these months (their first days), where missing; returns the names made. Idempotent."""
    if not months:
        return []
    with connection.cursor() as cursor:
        if not _missing(cursor, months):
            return []
        # Two makers at once would race for the parent's lock and one would fail on the name.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('members_event_partitions'))")
        missing = _missing(cursor, months)
        for month in missing:
            cursor.execute(
                f"CREATE TABLE {_partition(month)} PARTITION OF members_event "
                f"FOR VALUES FROM ('{month:%Y-%m-%d} 00:00+00') TO ('{_following(month):%Y-%m-%d} 00:00+00')"
            )
    return [_partition(month) for month in missing]


def _missing(cursor: Any, months: Sequence[date]) -> list[date]:
    by_name = {_partition(month): month for month in months}
    # Not to_regclass: what it remembers from before a wait is not forgotten by waiting.
    cursor.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE NOT EXISTS ("
        "SELECT 1 FROM pg_class c WHERE c.relname = name AND c.relnamespace = current_schema()::regnamespace)",
        [list(by_name)],
    )
    return sorted(by_name[name] for (name,) in cursor.fetchall())


def _partition(month: date) -> str:
    return f"members_event_{month.year:04}_{month.month:02}"


def _following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def ingest(*, incoming: str, params: dict[str, Any]) -> tuple[int, int]:
    """Take the rows the SQL ``incoming`` yields; returns (stored, offered). Repeated message ids are not stored."""
    with connection.cursor() as cursor:
        cursor.execute(ingest_sql(incoming=incoming), params)
        stored, offered, properties = cursor.fetchone()
    describe(properties)
    return stored, offered


def describe(properties: str | None) -> None:
    """Write what is new about properties, in the words of the statement that found it. Many wait for these rows."""
    if properties:
        with connection.cursor() as cursor:
            cursor.execute(DESCRIBE, {"properties": properties})


def ingest_sql(*, incoming: str, reading: str = "", source: str = "%(source)s", report: str = TOTAL) -> str:
    """The statement of ``ingest`` where ``incoming`` selects from the CTEs ``reading``; ``source`` is an expression.

    ``report`` goes on after the CTE ``total``: how many were stored and offered, and what there is to ``describe``.
    """
    return INGEST.format(
        reading=f"{reading},\n" if reading else "", incoming=incoming, source=source, report=report,
        property_sample=PROPERTY_SAMPLE, noted_every=PROPERTY_NOTED_EVERY, slot=SLOT,
        minute=MINUTE.format("i.occurred_at", "%(at)s"),
    )  # fmt: skip


def ingest_rows(rows: Sequence[dict[str, Any]], *, source_id: int, zone: str, at: datetime) -> tuple[int, int]:
    """``ingest`` for rows at hand, handed to PostgreSQL as one JSON document."""
    document = json.dumps(rows, default=lambda value: value.isoformat())
    return ingest(incoming=_FROM_JSON, params={"rows": document, "source": source_id, "zone": zone, "at": at})
