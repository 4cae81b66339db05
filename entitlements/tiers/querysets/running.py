"""Running the assessment statement, and marking whom it must look at."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from entitlements.tiers.querysets.assessment import (
    BASES,
    NOT_HELD,
    Counted,
    Tables,
    changes_sql,
    claim_sql,
    copy_sql,
    round_sql,
)
from entitlements.tiers.rules import Terms
from members.foreseen.querysets import Changes

Matrix = Counter[tuple[int | None, int | None]]

# A fact is judged when it is known; nothing is judged before the policy came into force.
_ARRIVE = """
WITH news AS (
  INSERT INTO entitlements_tierarrival (member_id, known_at, at)
  SELECT w.member_id, w.known_at, min(w.at)
  FROM ({who}) w (member_id, known_at, at) JOIN members_memberlifecycle l ON l.member_id = w.member_id
  WHERE w.known_at > %(since_known)s
  GROUP BY w.member_id, w.known_at
  RETURNING member_id, known_at
),
first AS (SELECT member_id, min(known_at) AS known_at FROM news GROUP BY member_id)
INSERT INTO entitlements_tierstanding AS s (member_id, via, due_at)
SELECT f.member_id, '', greatest(least(f.known_at, m.created_at), %(base)s)
FROM first f JOIN members_member m ON m.id = f.member_id ORDER BY f.member_id
ON CONFLICT (member_id) DO UPDATE SET due_at = least(s.due_at, (
  SELECT greatest(f.known_at, %(base)s) FROM first f WHERE f.member_id = s.member_id))"""

_NOBODY = "SELECT NULL::bigint, NULL::timestamptz, NULL::timestamptz WHERE false"

_ENROL = """
INSERT INTO entitlements_tierstanding AS s (member_id, via, due_at)
SELECT l.member_id, '', greatest(least(m.created_at, %(at)s), %(base)s)
FROM members_memberlifecycle l JOIN members_member m ON m.id = l.member_id"""
_ENROL_NAMED = _ENROL + " WHERE l.member_id = ANY(%(members)s) ORDER BY l.member_id ON CONFLICT DO NOTHING"
_MARK_EVERYBODY = (
    _ENROL
    + """ ORDER BY l.member_id
ON CONFLICT (member_id) DO UPDATE SET due_at = %(at)s
WHERE (s.due_at IS NULL OR s.due_at > %(at)s) AND (s.looked_at IS NULL OR s.looked_at < %(at)s)"""
)

_EARLIEST = """
SELECT greatest(least(
  %(at)s, (SELECT min(at) FROM entitlements_tierarrival),
  (SELECT min(least(rejudge_from, due_at)) FROM entitlements_tierstanding WHERE due_at <= %(at)s)
), %(base)s)"""

# A policy just in force: everybody is judged by it from then on.
_BEGIN = """
UPDATE entitlements_tierstanding s SET rejudge_from = %(base)s, due_at = least(s.due_at, %(base)s) WHERE {scope}"""

# Of two earned tiers a merge keeps the higher, with its dates, and the survivor is judged from there on.
_JOIN = """
WITH joined AS (
  INSERT INTO entitlements_tierjudgement (member_id, at, tier_id, judged_on, anchor_on, is_base, merge_id)
  SELECT r.survivor_id, r.merged_at, e.qualified_tier_id, e.judged_on, e.anchor_on, true, r.id
  FROM members_mergerecord r
  LEFT JOIN LATERAL (
    SELECT s.qualified_tier_id, s.judged_on, s.anchor_on
    FROM entitlements_tierstanding s JOIN members_tier t ON t.id = s.qualified_tier_id
    WHERE s.member_id IN (r.survivor_id, r.absorbed_id)
    ORDER BY t.position DESC, s.judged_on DESC, s.member_id = r.survivor_id DESC LIMIT 1
  ) e ON true
  WHERE r.merged_at >= %(since)s AND r.undone_at IS NULL
  ON CONFLICT DO NOTHING RETURNING member_id, at
)
UPDATE entitlements_tierstanding s SET rejudge_from = least(s.rejudge_from, j.at), due_at = least(s.due_at, j.at)
FROM joined j WHERE s.member_id = j.member_id"""

# Taken apart, both are judged from the merge on as if it had never been.
_PART = """
WITH parted AS (
  DELETE FROM entitlements_tierjudgement j USING members_mergerecord r
  WHERE r.undone_at >= %(since)s AND j.merge_id = r.id
  RETURNING r.survivor_id, r.absorbed_id, r.merged_at, r.undone_at
)
UPDATE entitlements_tierstanding s
SET rejudge_from = least(s.rejudge_from, p.merged_at), due_at = least(s.due_at, p.undone_at)
FROM parted p WHERE s.member_id IN (p.survivor_id, p.absorbed_id)"""

# Who is held keeps what was earned; a tier given by hand or taken back counts all the same, and what is judged later of
# the time before shows nothing any more.
_GIVE_TO_HELD = """
WITH asked AS (
  SELECT s.member_id, s.tier_id AS was_id, was.position AS was_position, s.via AS was_via, s.qualified_tier_id,
    q.position AS earned, g.id AS manual_id, g.tier_id AS given_id, g.until, g.position AS given
  FROM entitlements_tierstanding s
  LEFT JOIN members_tier was ON was.id = s.tier_id LEFT JOIN members_tier q ON q.id = s.qualified_tier_id
  LEFT JOIN LATERAL (
    SELECT g.id, g.tier_id, g.until, t.position FROM entitlements_manualtier g JOIN members_tier t ON t.id = g.tier_id
    WHERE g.member_id = s.member_id AND g.since <= %(at)s AND coalesce(g.until, 'infinity') > %(at)s
      AND coalesce(g.ended_at, 'infinity') > %(at)s
    ORDER BY t.position DESC, g.until DESC NULLS FIRST, g.id LIMIT 1
  ) g ON true
  WHERE s.brake_id IS NOT NULL AND s.member_id = ANY(%(members)s) FOR UPDATE OF s
),
found AS (
  SELECT a.*, coalesce(a.given > coalesce(a.earned, -1), false) AS is_given,
    greatest(a.given, a.earned) AS position FROM asked a
),
logged AS (
  INSERT INTO entitlements_tierchange
    (member_id, from_tier_id, to_tier_id, is_up, via, policy_id, facts, at, recorded_at, actor_id)
  SELECT member_id, was_id, CASE WHEN is_given THEN given_id ELSE qualified_tier_id END,
    coalesce(position, -1) > coalesce(was_position, -1), CASE WHEN is_given THEN 'manual' ELSE 'qualified' END,
    %(policy)s, '{}', %(at)s, %(at)s, %(actor)s
  FROM found WHERE position IS DISTINCT FROM was_position
)
UPDATE entitlements_tierstanding s SET
  tier_id = CASE WHEN f.is_given THEN f.given_id ELSE f.qualified_tier_id END,
  via = CASE WHEN f.is_given THEN 'manual' WHEN f.earned IS NOT NULL THEN 'qualified' ELSE '' END,
  until = CASE WHEN f.is_given THEN f.until END, manual_id = CASE WHEN f.is_given THEN f.manual_id END,
  since = CASE WHEN f.position IS DISTINCT FROM f.was_position THEN %(at)s ELSE s.since END,
  seen_until = greatest(s.seen_until, %(at)s),
  changed_xid = CASE WHEN f.position IS DISTINCT FROM f.was_position THEN pg_current_xact_id() ELSE s.changed_xid END
FROM found f WHERE s.member_id = f.member_id"""


@dataclass(frozen=True)
class Question:
    """An assessment: a policy's terms, its measures by code, and every parameter their statements take."""

    terms: Terms
    measures: Mapping[str, Counted]
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Round:
    """What one statement did: members judged, how many of them are due again, and who moved."""

    judged: int
    due_again: int
    moves: Matrix


def judge_round(
    question: Question, *, scope: str = NOT_HELD, is_holding: bool = False, tables: Tables | None = None
) -> Round:
    """Look once at a batch of due members within ``scope``, at the next instant of each.

    Holding, whoever would move is held instead. Claims with ``SKIP LOCKED``: may run twice at once.
    """
    sql = round_sql(question.terms, question.measures, is_holding=is_holding, tables=tables)
    with transaction.atomic(), connection.cursor() as cursor:
        # Twice in one transaction the table is there from the first time.
        cursor.execute("DROP TABLE IF EXISTS pg_temp.tier_looks")
        cursor.execute(claim_sql(scope=scope, tables=tables), question.params)
        if cursor.rowcount == 0:
            return Round(0, 0, Counter())
        cursor.execute("ANALYZE tier_looks")
        cursor.execute(sql, question.params)
        rows = cursor.fetchall()
    moves: Matrix = Counter({(source, target): n for source, target, n, is_move, _ in rows if is_move})
    judged, due_again = next((n, again) for _, _, n, is_move, again in rows if not is_move)
    return Round(judged, due_again, moves)


@contextmanager
def copies(params: Mapping[str, Any]) -> Iterator[Tables]:
    """Tables in which everybody is due, to be assessed without touching anything real."""
    tables = Tables("foreseen_standing", "foreseen_tierchange", "foreseen_tierjudgement", "foreseen_tierarrival")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(copy_sql(tables), params)
        yield tables
        # Within a longer transaction there may be another look.
        cursor.execute(f"DROP TABLE {tables.standing}, {tables.log}, {tables.judgement}, {tables.arrival}")


def changes_in(tables: Tables, params: Mapping[str, Any]) -> Changes:
    """Whom the assessments in ``tables`` changed."""
    return Changes(changes_sql(tables), params)


def take_in(params: Mapping[str, Any], changed: Iterable[str]) -> int:
    """Note the new facts of the statements and have the members looked at; returns how many.

    Of facts known by ``%(since_known)s`` nothing is noted.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ARRIVE.format(who=" UNION ALL ".join(f"({own})" for own in changed) or _NOBODY), params)
        return cursor.rowcount


def follow_merges(params: Mapping[str, Any]) -> None:
    """Have those judged anew who were merged or taken apart since ``%(since)s``; again does nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_PART, params)
        cursor.execute(_JOIN, params)


def earliest(params: Mapping[str, Any]) -> datetime:
    """From when facts may have to be judged anew."""
    with connection.cursor() as cursor:
        cursor.execute(_EARLIEST, params)
        return cursor.fetchone()[0]


def mark_everybody(params: Mapping[str, Any]) -> int:
    """Have every member looked at; members without a standing get one."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK_EVERYBODY, params)
        return cursor.rowcount


def enrol(params: Mapping[str, Any]) -> None:
    """Give those of ``%(members)s`` a standing who have none, to be judged from the day they came."""
    with connection.cursor() as cursor:
        cursor.execute(_ENROL_NAMED, params)


def begin_policy(params: Mapping[str, Any], *, scope: str = NOT_HELD) -> None:
    """Have everybody within ``scope`` judged from ``%(base)s`` on, by the policy that came into force then."""
    with connection.cursor() as cursor:
        cursor.execute(BASES.format(standing=Tables.standing, judgement=Tables.judgement, scope=scope), params)
        cursor.execute(_BEGIN.format(scope=scope), params)


def give_to_held(params: Mapping[str, Any]) -> None:
    """Have the tiers given by hand count for those of ``%(members)s`` who are held."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_TO_HELD, params)
