"""Uses reported as events: what is new below the horizon, and all of it that fits as one statement a benefit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from entitlements.grants.querysets.facts import IS_CURRENT, had_it
from entitlements.grants.querysets.units import number

# The end of a batch: no more than so many events, unless one transaction wrote more.
_UPTO = """
SELECT coalesce((
  SELECT greatest(x.xid, %(after)s + 1) FROM (
    SELECT e.recorded_xid::text::bigint AS xid FROM members_event e
    WHERE e.recorded_xid >= %(after)s::text::xid8 AND e.recorded_xid < %(horizon)s::text::xid8
      AND e.definition_id = ANY(%(definitions)s)
    ORDER BY e.recorded_xid OFFSET %(limit)s LIMIT 1
  ) x
), %(horizon)s)"""

# Below the horizon. What a clock that is ahead has dated later than it was received waits for its time.
NEW = """e.recorded_xid >= %(after)s::text::xid8 AND e.recorded_xid < %(upto)s::text::xid8
      AND e.occurred_at <= greatest(%(at)s::timestamptz, e.received_at)"""
# The time of those that waited has come since ``since``.
COME = """e.occurred_at > %(since)s::timestamptz AND e.occurred_at <= %(at)s::timestamptz
      AND e.received_at < e.occurred_at"""

# A started unit is a unit; an event without a number between 1 and 10^12 where one is asked for is no use.
_REPORTED = """
reported AS MATERIALIZED (
  SELECT r.* FROM (
    SELECT e.member_id, e.occurred_at, e.id,
      'event:' || %(benefit)s || ':' || e.source_id || ':' || e.message_id AS key,
      CASE WHEN %(property)s = '' THEN 1
        WHEN jsonb_typeof(e.properties -> %(property)s) = 'number' THEN ceil((e.properties ->> %(property)s)::numeric)
      END AS amount
    FROM members_event e
    WHERE {which}
      AND e.definition_id = %(definition)s
  ) r
  WHERE r.amount BETWEEN 1 AND 1000000000000
    AND NOT EXISTS (SELECT FROM entitlements_usagerecord u WHERE u.idempotency_key = r.key)
)"""

# A member's uses together, where all of them fit the usage period of now; the others stay for one by one, and so do
# those of a balance that somebody else holds: waiting for one with others in hand would end in deadlocks.
_USE_FITTING = (
    "WITH "
    + _REPORTED
    + """,
asked AS (
  SELECT member_id, sum(amount)::bigint AS amount, count(*) AS n, min(occurred_at) AS first_at,
    max(occurred_at) AS last_at
  FROM reported GROUP BY member_id HAVING sum(amount) <= 1000000000000
),
ready AS (
  SELECT b.member_id FROM entitlements_balance b JOIN asked a ON a.member_id = b.member_id
  WHERE b.benefit_id = %(benefit)s FOR UPDATE OF b SKIP LOCKED
),
hit AS (
  UPDATE entitlements_balance b SET used = b.used + a.amount, units = b.units + a.amount, uses = b.uses + a.n,
    first_used_at = least(b.first_used_at, a.first_at), last_used_at = greatest(b.last_used_at, a.last_at)
  FROM asked a JOIN ready USING (member_id) JOIN entitlements_standing s USING (member_id), entitlements_benefit e
  WHERE b.member_id = a.member_id AND b.benefit_id = e.id AND e.id = %(benefit)s
    AND """
    + IS_CURRENT
    + """
    AND b.is_open AND (b.valid_until IS NULL OR b.valid_until > greatest(%(at)s::timestamptz, a.last_at))
    AND (b.period_start IS NULL OR b.period_start <= a.first_at)
    AND """
    + had_it("a.first_at")
    + """
    AND (b.granted IS NULL OR b.used + a.amount <= b.granted)
    AND (e.public_at IS NULL OR e.public_at - make_interval(hours => b.early_hours) <= a.first_at)
  RETURNING b.member_id, new.granted, old.used AS used_before, new.overage, e.worth_cents, old.uses AS uses_before,
    new.uses, old.units AS units_before
),
kept AS (
  INSERT INTO entitlements_usagerecord (
    member_id, benefit_id, at, recorded_at, amount, outcome, origin, overage, worth_cents, idempotency_key,
    granted_after, used_after, overage_after, first_unit
  )
  SELECT r.member_id, %(benefit)s, r.occurred_at, %(at)s, r.amount, 'used', 'event', 0, r.worth_cents * r.amount, r.key,
    r.granted, r.used_before + r.upto, r.overage, """
    + number("r.member_id", "r.units_before + r.upto - r.amount")
    + """
  FROM (
    SELECT r.*, h.worth_cents, h.granted, h.used_before, h.overage, h.units_before,
      sum(r.amount) OVER (PARTITION BY r.member_id ORDER BY r.occurred_at, r.id) AS upto
    FROM hit h JOIN reported r ON r.member_id = h.member_id
  ) r
  RETURNING 1
)
SELECT (SELECT count(*) FROM kept), coalesce((
  SELECT array_agg(h.member_id) FROM hit h WHERE EXISTS (
    SELECT FROM entitlements_benefit u WHERE u.unlocked_by_id = %(benefit)s AND NOT u.is_archived
      AND u.unlocked_after > h.uses_before AND u.unlocked_after <= h.uses
  )
), '{{}}')"""
)

_LEFT = (
    "WITH " + _REPORTED + " SELECT member_id, amount::bigint, occurred_at, key FROM reported ORDER BY occurred_at, id"
)


@dataclass(frozen=True)
class Reported:
    """A use that an event reported."""

    member_id: int
    amount: int
    used_at: datetime
    key: str


def end_of_batch(*, after: int, horizon: int, definition_ids: list[int], limit: int) -> int:
    """Up to which transaction number to read, so that about ``limit`` of these events lie before it."""
    with connection.cursor() as cursor:
        cursor.execute(_UPTO, {"after": after, "horizon": horizon, "definitions": definition_ids, "limit": limit})
        return int(cursor.fetchone()[0])


def use_fitting(which: str, params: Mapping[str, Any]) -> tuple[int, list[int]]:
    """Use what fits of the events ``NEW`` or ``COME`` in one statement.

    Returns how many uses that made, and the members who now unlock another benefit.
    """
    with connection.cursor() as cursor:
        cursor.execute(_USE_FITTING.format(which=which), params)
        used, unlocking = cursor.fetchone()
    return used, unlocking


def left_over(which: str, params: Mapping[str, Any]) -> list[Reported]:
    """Of the same, what no record says anything about yet, in the order in which it happened."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT.format(which=which), params)
        return [Reported(*row) for row in cursor.fetchall()]
