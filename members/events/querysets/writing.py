"""What a read body changes apart from the events: newcomers, links between identities, and the parked rest."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from config.engine.prepared import execute_alone, execute_prepared
from members.events.querysets.events import SLOT, describe, ingest_sql
from members.events.querysets.keys import OpenedKey
from members.events.querysets.reading import MAX_MESSAGES, OPENED_AND_RESOLVED, RESOLVED, SUMMARY, Summary

_EVENTS = """
SELECT member_id, name::varchar(120), occurred_at, message_id::varchar(120), value_cents, currency::varchar(3),
  payload AS properties
FROM good WHERE NOT is_identify AND member_id IS NOT NULL"""

# The facts ``members.events.querysets.traits.apply_traits`` wants.
PROFILES = f"""
WITH {RESOLVED}
SELECT member_id, occurred_at, message_id, payload FROM good WHERE is_identify AND member_id IS NOT NULL"""

# Two members whom one message named: by its user id, and by a visitor or a former id.
SHARED = f"""
WITH {RESOLVED}
SELECT by_user AS member_id, by_anonymous AS other_id,
  CASE WHEN type = 'alias' THEN 'alias' ELSE 'anonymous_id' END AS reason
FROM good WHERE by_user <> by_anonymous"""

_CREATE = f"""
WITH {RESOLVED},
newcomers AS MATERIALIZED (
  SELECT v.user_value, nextval(pg_get_serial_sequence('members_member', 'id')) AS id
  FROM (SELECT DISTINCT user_value FROM good WHERE user_value IS NOT NULL AND by_user IS NULL ORDER BY 1) v
),
made AS (
  INSERT INTO members_member (id, display_name, language, gender, city, channel, attributes, is_demo, created_at,
    updated_at)
  SELECT id, '', '', '', '', '', '{{}}', false, %(at)s, %(at)s FROM newcomers
),
lifecycled AS (
  INSERT INTO members_memberlifecycle (member_id, membership_status, auto_renewal_flag, time_zone, known_since,
    next_due_at)
  SELECT id, 'none', false, '', %(at)s, %(at)s FROM newcomers
),
identified AS (
  INSERT INTO members_identity (member_id, kind, value, created_at)
  SELECT id, 'external_id', user_value, %(at)s FROM newcomers
),
audited AS (
  INSERT INTO staff_auditentry (at, action, target_type, target_id, member_id, reason, data)
  SELECT %(at)s, 'member.created', 'member', id::text, id, '', jsonb_build_object('source', %(source)s::bigint)
  FROM newcomers
)
SELECT id FROM newcomers ORDER BY id"""

# A visitor belongs to whom the earliest message named; a link once made stays.
_LINK = f"""
WITH {RESOLVED}
INSERT INTO members_identity (member_id, kind, value, created_at)
SELECT DISTINCT ON (anonymous_value) by_user, 'anonymous_id', anonymous_value, %(at)s FROM good
WHERE by_user IS NOT NULL AND anonymous_value IS NOT NULL AND by_anonymous IS NULL
ORDER BY anonymous_value, occurred_at, message_id
ON CONFLICT (kind, value) DO NOTHING
RETURNING member_id"""

_PARK = f"""
WITH {RESOLVED},
offered AS (
  SELECT DISTINCT ON (g.message_id) g.* FROM good g WHERE g.member_id IS NULL
    AND NOT EXISTS (SELECT 1 FROM members_eventreceipt r WHERE r.source_id = %(source)s AND r.message_id = g.message_id)
  ORDER BY g.message_id, g.occurred_at
),
kept AS (
  INSERT INTO members_parkedevent (source_id, kind, value, anonymous_id, type, name, message_id, occurred_at,
    received_at, value_cents, currency, payload)
  SELECT %(source)s, CASE WHEN user_value IS NULL THEN 'anonymous_id' ELSE 'external_id' END,
    coalesce(user_value, anonymous_value), CASE WHEN user_value IS NULL THEN '' ELSE coalesce(anonymous_value, '') END,
    type, name, message_id, occurred_at, %(at)s, value_cents, currency, payload
  FROM offered ORDER BY message_id
  ON CONFLICT (source_id, message_id) DO NOTHING
  RETURNING id
)
SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM good WHERE member_id IS NULL)"""

# Placed when she came to be known, not at a first event that lies before it.
_PLACE_NEWCOMERS = """
UPDATE members_memberlifecycle SET next_due_at = %(at)s
WHERE member_id = ANY(%(members)s) AND lifecycle_state IS NULL AND next_due_at < %(at)s"""

_COUNT = """
INSERT INTO members_ingestday AS d (source_id, local_on, slot, accepted, duplicate, rejected, parked)
{counts}
ON CONFLICT (source_id, local_on, slot) DO UPDATE SET accepted = d.accepted + excluded.accepted,
  duplicate = d.duplicate + excluded.duplicate, rejected = d.rejected + excluded.rejected,
  parked = d.parked + excluded.parked"""

_DAY = "(%(at)s::timestamptz AT TIME ZONE %(zone)s)::date"
_COUNT_DAY = _COUNT.format(
    counts=f"SELECT %(source)s, {_DAY}, {SLOT}, %(accepted)s, %(duplicate)s, %(rejected)s, %(parked)s"
)
# What is parked can only be counted later.
_COUNT_KNOWN = _COUNT.format(
    counts=f"""SELECT r.source_id, {_DAY}, {SLOT}, r.messages - c.rejected - c.duplicate, c.duplicate, c.rejected, 0
FROM summary r, total t, LATERAL (
  SELECT t.offered - t.stored AS duplicate, jsonb_array_length(r.rejected) AS rejected) c
WHERE r.is_stored AND r.unknown_users + r.unknown_visitors = 0"""
)

# A source is heard to the second: its row is one that all requests share.
_IS_NEWS = """(s.last_event_at IS NULL OR s.connected_at IS NULL OR s.connected_at > %(at)s::timestamptz
    OR s.last_event_at < {heard_at} - interval '1 second')"""

_NOTE_HEARD = f"""
UPDATE members_source s SET connected_at = least(s.connected_at, %(at)s),
  last_event_at = greatest(s.last_event_at, %(heard_at)s)
WHERE s.id = %(source)s AND {_IS_NEWS.format(heard_at="%(heard_at)s::timestamptz")}
RETURNING old.connected_at, old.last_event_at"""

# An ordinary body calls for nothing but its events and their counts. Without a transaction around the statement,
# another body is left alone.
_SUMMARY = f"""
SELECT k.id, k.source_id, k.scopes, k.last_used_at, r.*, n.is_news, NOT %(is_alone)s::boolean OR (
    r.is_well_formed AND n.is_news IS NOT TRUE AND r.messages <= {MAX_MESSAGES}
    AND r.unknown_users + r.unknown_visitors + r.unlinked + r.shared + r.profiles = 0) AS is_stored
FROM ({SUMMARY}) r, sender k JOIN members_source s ON s.id = k.source_id,
  LATERAL (SELECT {_IS_NEWS.format(heard_at="least(r.last_at, %(at)s::timestamptz)")} AS is_news) n"""

_STORE = ingest_sql(
    reading=f"{OPENED_AND_RESOLVED},\nsummary AS MATERIALIZED ({_SUMMARY})",
    incoming=f"{_EVENTS} AND (SELECT is_stored FROM summary)",
    source="(SELECT source_id FROM sender)",
    report=f""",
counted_request AS ({_COUNT_KNOWN})
SELECT t.stored, t.offered, t.properties, r.* FROM total t, summary r""",
)
_STORE_REST = ingest_sql(reading=RESOLVED, incoming=_EVENTS)


@dataclass(frozen=True)
class Heard:
    """When a source was connected and last heard before this request; it had been silent for a second at least."""

    connected_at: datetime | None
    last_event_at: datetime | None


def store_alone(params: dict[str, Any]) -> Summary | None:
    """Read the body in ``params``; where it is ordinary, store and count it, in a transaction of the statement's own.

    None where the key is not valid; ``is_stored`` of the summary says whether anything was written. Raises DataError
    where ``jsonb`` cannot hold the body, and IntegrityError where a month has no partition.
    """
    return _summary(execute_alone(_STORE, params | {"is_alone": True}))


def store_first(params: dict[str, Any]) -> Summary | None:
    """Like ``store_alone`` for any body, inside a transaction: stores the events whose members exist.

    Counts the request too, unless something in it is about nobody known.
    """
    return _summary(execute_prepared(_STORE, params | {"is_alone": False}))


def _summary(rows: list[tuple[Any, ...]]) -> Summary | None:
    if not rows:
        return None
    stored, offered, properties, pk, source_id, scopes, used_at, is_well_formed, messages, rejected, *rest = rows[0]
    key = OpenedKey(pk, source_id, scopes, used_at)
    return Summary(key, stored, offered, properties, is_well_formed, messages, json.loads(rejected), *rest)


def store_rest(params: dict[str, Any]) -> tuple[int, int]:
    """``store_first`` once more, after the others were made; returns (stored, offered)."""
    ((stored, offered, properties),) = execute_prepared(_STORE_REST, params)
    describe(properties)
    return stored, offered


def create_newcomers(params: dict[str, Any]) -> list[int]:
    """Make a prospect for every user id not yet known; returns their ids. IntegrityError: somebody else just did."""
    return _ids(_CREATE, params)


def link_visitors(params: dict[str, Any]) -> list[int]:
    """Tie anonymous ids to the members named beside them; returns the members."""
    return _ids(_LINK, params)


def park(params: dict[str, Any]) -> tuple[int, int]:
    """Keep the messages about nobody we know; returns (new ones, all of them)."""
    with connection.cursor() as cursor:
        cursor.execute(_PARK, params)
        return cursor.fetchone()


def place_newcomers(params: dict[str, Any], members: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_PLACE_NEWCOMERS, {**params, "members": members})


def count_day(params: dict[str, Any]) -> None:
    """Add to what became of a source's messages on the day of ``at``."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_DAY, params)


def note_heard(params: dict[str, Any]) -> Heard | None:
    """Keep that the source was heard at ``heard_at``, unless that is known to the second."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_HEARD, params)
        row = cursor.fetchone()
    return Heard(*row) if row else None


def _ids(sql: str, params: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [pk for (pk,) in cursor.fetchall()]
