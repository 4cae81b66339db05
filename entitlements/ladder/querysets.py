"""The figures of the ladder, each one statement over everybody."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from entitlements.grants.querysets import offered
from entitlements.ladder.rules import TERM_MONTHS, months_in
from members.foreseen.querysets import Changes

# Whoever was merged is no member any more, and keeps the row of the free tier.
_IS_MEMBER = "NOT EXISTS (SELECT FROM members_member m WHERE m.id = s.member_id AND m.merged_into_id IS NOT NULL)"

# Who is where: the free tier has no number.
_STANDINGS = f"""
SELECT s.tier_id, count(*) FROM entitlements_standing s WHERE {_IS_MEMBER} GROUP BY 1"""

# What the settling engine will make of other cells: at each place, with the plan's additions on top of the tier's cell,
# and for those in the grace what is held. Then who stands there; whose term goes by a ladder that was locked for it is
# not touched by another, nor is whoever has not unlocked the benefit.
_CHANGED = f"""
WITH cell AS (
  SELECT 1 AS id, * FROM jsonb_to_recordset(%(cells)s::jsonb) AS c (
    side text, benefit_id bigint, tier_id bigint, amount bigint, level text, is_held_in_grace boolean, early_hours int)
),
addition AS (
  SELECT 1 AS id, * FROM jsonb_to_recordset(%(additions)s::jsonb) AS a (
    side text, benefit_id bigint, plan_id bigint, amount bigint, level text)
),
changed AS (
  SELECT * FROM jsonb_to_recordset(%(changed)s::jsonb) AS x (
    what text, benefit_id bigint, tier_id bigint, plan_id bigint)
),
offer AS (
  SELECT v.side, t.tier_id, p.plan_id, b.id AS benefit_id, {offered.IS_HELD} AS is_held,
    concat(({offered.AMOUNT})::text, '/', {offered.EARLY_HOURS}, '/', {offered.LEVEL}) AS gives
  FROM (SELECT id AS tier_id FROM members_tier UNION ALL SELECT NULL) t
  CROSS JOIN (SELECT id AS plan_id FROM members_plan UNION ALL SELECT NULL) p
  CROSS JOIN (VALUES ('before'), ('after')) v (side)
  JOIN entitlements_benefit b ON b.id IN (SELECT benefit_id FROM changed) AND NOT b.is_archived
  LEFT JOIN cell c ON c.side = v.side AND c.benefit_id = b.id AND c.tier_id IS NOT DISTINCT FROM t.tier_id
  LEFT JOIN addition a ON a.side = v.side AND a.benefit_id = b.id AND a.plan_id = p.plan_id
  WHERE c.id IS NOT NULL OR a.id IS NOT NULL
),
differing AS (
  SELECT benefit_id, coalesce(tier_id, 0) AS tier_id, coalesce(plan_id, 0) AS plan_id, g.is_grace,
    coalesce(max(gives) FILTER (WHERE side = 'before' AND (is_held OR NOT g.is_grace)), 'none') AS before,
    coalesce(max(gives) FILTER (WHERE side = 'after' AND (is_held OR NOT g.is_grace)), 'none') AS after
  FROM offer CROSS JOIN (VALUES (true), (false)) g (is_grace)
  GROUP BY 1, 2, 3, 4
),
touched AS (
  SELECT x.what, d.*, b.unlocked_by_id, b.unlocked_after
  FROM differing d
  JOIN changed x ON x.benefit_id = d.benefit_id
    AND CASE WHEN x.plan_id IS NULL THEN coalesce(x.tier_id, 0) = d.tier_id ELSE x.plan_id = d.plan_id END
  JOIN entitlements_benefit b ON b.id = d.benefit_id
  WHERE d.before <> d.after
),
locked AS (
  SELECT k.member_id FROM entitlements_renewallock k JOIN members_membershipterm o ON o.id = k.term_id
  JOIN entitlements_standing s ON s.member_id = k.member_id
  JOIN members_membershipterm t ON t.id = coalesce(s.term_id, (
    SELECT m.id FROM members_membershipterm m
    WHERE m.member_id = k.member_id AND m.starts_at <= %(at)s AND m.voided_at IS NULL
      AND coalesce(m.closed_at, m.ends_at) > m.starts_at
    ORDER BY m.starts_at DESC LIMIT 1
  ))
  WHERE {offered.IS_LOCKED_FOR}
)
SELECT s.member_id, t.what, t.before, t.after, s.plan_id
FROM entitlements_standing s
JOIN touched t ON t.tier_id = coalesce(s.tier_id, 0) AND t.plan_id = coalesce(s.plan_id, 0)
  AND t.is_grace = (s.via = 'grace')
WHERE {_IS_MEMBER} AND s.member_id NOT IN (SELECT member_id FROM locked)
  AND (t.unlocked_by_id IS NULL OR EXISTS (
    SELECT FROM entitlements_balance u
    WHERE u.member_id = s.member_id AND u.benefit_id = t.unlocked_by_id AND u.uses >= t.unlocked_after
  ))"""

_TOUCHED = """
SELECT c.what, count(*)::int, p.duration_unit, p.duration_count
FROM ({sql}) c LEFT JOIN members_plan p ON p.id = c.plan_id GROUP BY c.what, p.id"""

# Standings that a change of these cells may touch; plans are asked for beside tiers.
_MARK_DUE = """
UPDATE entitlements_standing SET next_due_at = least(next_due_at, %(at)s)
WHERE coalesce(tier_id, 0) = ANY(%(tiers)s) OR plan_id = ANY(%(plans)s)"""


@dataclass(frozen=True)
class Touched:
    """So many members, with one plan or none, have something else by the changed cell ``what``."""

    what: str
    members: int
    term_unit: str | None
    term_count: int | None

    @property
    def term_months(self) -> float:
        """How long a term of the plan lasts."""
        return months_in(self.term_unit, self.term_count or 1) if self.term_unit else TERM_MONTHS


def members_by_tier() -> dict[int | None, int]:
    """How many members stand on each tier now; None is the free tier."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS)
        return dict(cursor.fetchall())


def changes_between(
    *, cells: list[dict[str, Any]], additions: list[dict[str, Any]], changed: list[dict[str, Any]], at: datetime
) -> Changes:
    """Whom other cells change: a row (member, ``what``, before, after) for each ``changed`` cell they have it by.

    ``cells`` and ``additions`` are all of the benefits concerned, on either ``side``. A side reads ``none``, or amount
    (empty: no limit), hours of early access and level, parted by strokes.
    """
    values = {"cells": cells, "additions": additions, "changed": changed}
    return Changes(_CHANGED, {**{name: json.dumps(rows) for name, rows in values.items()}, "at": at})


def touched_by(changes: Changes) -> list[Touched]:
    """How many members the changed cells touch, by their plans."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED.format(sql=changes.sql), changes.params)
        return [Touched(*row) for row in cursor.fetchall()]


def mark_due(at: datetime, tier_ids: set[int | None], plan_ids: set[int]) -> int:
    """Have the settling engine look at everybody on these tiers and plans; returns how many."""
    values: dict[str, Any] = {"at": at, "tiers": [tier or 0 for tier in tier_ids], "plans": list(plan_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_MARK_DUE, values)
        return int(cursor.rowcount)
