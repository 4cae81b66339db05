"""Running the assessment statement, and marking whom it must look at."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from entitlements.tiers.querysets.assessment import Tables, changes_sql, copy_sql, round_sql
from entitlements.tiers.rules import Terms
from members.foreseen.querysets import Changes

Matrix = Counter[tuple[int | None, int | None]]

_MARK = """
INSERT INTO entitlements_tierstanding AS s (member_id, via, due_at)
SELECT l.member_id, '', %(at)s FROM members_memberlifecycle l{who} ORDER BY l.member_id
ON CONFLICT (member_id) DO UPDATE SET due_at = excluded.due_at WHERE s.due_at IS NULL OR s.due_at > excluded.due_at"""

# Facts that changed hands.
_MERGED = """
SELECT unnest(ARRAY[survivor_id, absorbed_id]) FROM members_mergerecord
WHERE merged_at >= %(since)s OR undone_at >= %(since)s"""


@dataclass(frozen=True)
class Question:
    """An assessment: a policy's terms, the statements of its measures by code, and every parameter they take."""

    terms: Terms
    measures: Mapping[str, str]
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Round:
    """What one statement did: members judged, how many of them are due again, and who moved."""

    judged: int
    due_again: int
    moves: Matrix


def judge_round(question: Question, *, only_members: Sequence[int] = (), tables: Tables | None = None) -> Round:
    """Assess a batch of due members, of ``only_members`` where given. Claims with ``SKIP LOCKED``: may run twice."""
    sql = round_sql(question.terms, question.measures, only_members=bool(only_members), tables=tables)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, {**question.params, "members": list(only_members)})
        rows = cursor.fetchall()
    moves: Matrix = Counter({(source, target): n for source, target, n, is_move, _ in rows if is_move})
    judged, due_again = next((n, again) for _, _, n, is_move, again in rows if not is_move)
    return Round(judged, due_again, moves)


@contextmanager
def copies(params: Mapping[str, Any]) -> Iterator[Tables]:
    """Tables in which everybody is due, to be assessed without touching anything real."""
    tables = Tables(standing="foreseen_standing", log="foreseen_tierchange")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(copy_sql(tables), params)
        yield tables
        # Within a longer transaction there may be another look.
        cursor.execute(f"DROP TABLE {tables.standing}, {tables.log}")


def changes_in(tables: Tables, params: Mapping[str, Any]) -> Changes:
    """Whom the assessments in ``tables`` changed."""
    return Changes(changes_sql(tables), params)


def mark(params: Mapping[str, Any], changed: Iterable[str]) -> int:
    """Have the members looked at whom the statements name, or who were merged; returns how many rows that changed."""
    who = " WHERE l.member_id IN (" + " UNION ".join(f"({own})" for own in (_MERGED, *changed)) + ")"
    with connection.cursor() as cursor:
        cursor.execute(_MARK.format(who=who), params)
        return cursor.rowcount


def mark_everybody(params: Mapping[str, Any]) -> int:
    """Have every member looked at; members without a standing get one."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK.format(who=""), params)
        return cursor.rowcount
