"""The set-based statements behind event ingest: partitions, and one batch of events into every table they touch."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection

# Rows are (member_id, name, occurred_at, message_id, value_cents, currency, properties), from any relation.
INGEST = """
WITH incoming AS MATERIALIZED ({incoming}),
named AS (
  INSERT INTO members_eventdefinition (name, label, label_zh, is_activity)
  SELECT DISTINCT i.name, '', '', i.name <> 'app_uninstalled' FROM incoming i
  WHERE NOT EXISTS (SELECT 1 FROM members_eventdefinition d WHERE d.name = i.name)
  ON CONFLICT (name) DO UPDATE SET name = excluded.name
  RETURNING id, name, is_activity
),
known AS MATERIALIZED (
  SELECT id, name, is_activity FROM named UNION SELECT id, name, is_activity FROM members_eventdefinition
),
taken AS (
  INSERT INTO members_eventreceipt (source_id, message_id, received_at)
  SELECT %(source)s, i.message_id, %(at)s FROM incoming i ON CONFLICT DO NOTHING
  RETURNING message_id
),
fresh AS MATERIALIZED (
  SELECT DISTINCT ON (i.message_id) i.*, k.id AS definition_id, k.is_activity,
    (i.occurred_at AT TIME ZONE coalesce(nullif(s.time_zone, ''), %(zone)s))::date AS local_on
  FROM incoming i
  JOIN taken USING (message_id)
  JOIN known k ON k.name = i.name
  JOIN members_memberlifecycle s ON s.member_id = i.member_id
  ORDER BY i.message_id, i.occurred_at
),
stored AS (
  INSERT INTO members_event (occurred_at, received_at, member_id, definition_id, source_id, message_id, value_cents,
                             currency, properties)
  SELECT f.occurred_at, %(at)s, f.member_id, f.definition_id, %(source)s, f.message_id, f.value_cents,
         coalesce(f.currency, ''), coalesce(f.properties, '{{}}')
  FROM fresh f
  RETURNING 1
),
active AS (
  INSERT INTO members_activeday AS a (member_id, local_on, first_at)
  SELECT f.member_id, f.local_on, min(f.occurred_at) FROM fresh f WHERE f.is_activity GROUP BY 1, 2
  ON CONFLICT (member_id, local_on) DO UPDATE SET first_at = excluded.first_at WHERE excluded.first_at < a.first_at
  RETURNING member_id, first_at
),
left_app AS (
  INSERT INTO members_membersignal (member_id, kind, at)
  SELECT f.member_id, 'uninstalled', f.occurred_at FROM fresh f WHERE f.name = 'app_uninstalled'
  RETURNING member_id, at
),
touched AS (
  SELECT member_id, min(at) AS due_at, max(last_at) AS last_at FROM (
    SELECT member_id, first_at AS at, NULL::timestamptz AS last_at FROM active
    UNION ALL SELECT member_id, at, NULL FROM left_app
    UNION ALL SELECT member_id, NULL, max(occurred_at) FROM fresh WHERE is_activity GROUP BY member_id
  ) t GROUP BY member_id
),
marked AS (
  UPDATE members_memberlifecycle s SET
    next_due_at = least(s.next_due_at, t.due_at),
    last_active_time = greatest(s.last_active_time, t.last_at)
  FROM touched t
  WHERE s.member_id = t.member_id AND (t.due_at IS NOT NULL OR t.last_at > s.last_active_time)
  RETURNING 1
)
SELECT (SELECT count(*) FROM stored), (SELECT count(*) FROM incoming)"""

_FROM_JSON = """
SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
  member_id bigint, name varchar(120), occurred_at timestamptz, message_id varchar(120), value_cents bigint,
  currency varchar(3), properties jsonb)"""


def ensure_partitions(first_on: date, last_on: date) -> list[str]:
    """Make the monthly partitions that cover the dates, where missing; returns the names made. Idempotent."""
    made = []
    month = first_on.replace(day=1)
    with connection.cursor() as cursor:
        # Two makers at once would race for the parent's lock and one would fail on the name.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('members_event_partitions'))")
        while month <= last_on:
            following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
            name = f"members_event_{month:%Y_%m}"
            cursor.execute("SELECT to_regclass(%s)", [name])
            if cursor.fetchone()[0] is None:
                cursor.execute(
                    f"CREATE TABLE {name} PARTITION OF members_event "
                    f"FOR VALUES FROM ('{month:%Y-%m-%d} 00:00+00') TO ('{following:%Y-%m-%d} 00:00+00')"
                )
                made.append(name)
            month = following
    return made


def ingest(*, incoming: str, params: dict[str, Any]) -> tuple[int, int]:
    """Take the rows the SQL ``incoming`` yields; returns (stored, offered). Repeated message ids are not stored."""
    with connection.cursor() as cursor:
        cursor.execute(INGEST.format(incoming=incoming), params)
        stored, offered = cursor.fetchone()
    return stored, offered


def ingest_rows(rows: Sequence[dict[str, Any]], *, source_id: int, zone: str, at: datetime) -> tuple[int, int]:
    """``ingest`` for rows at hand, handed to PostgreSQL as one JSON document."""
    document = json.dumps(rows, default=lambda value: value.isoformat())
    return ingest(incoming=_FROM_JSON, params={"rows": document, "source": source_id, "zone": zone, "at": at})
