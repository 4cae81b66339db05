"""Questions about segments and who is in them, and the one statement that brings a segment up to date."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Q

# EXCEPT and not NOT EXISTS: on a table the planner takes for empty, that is a loop over all pairs.
_DIFF = """
WITH wanted (member_id) AS MATERIALIZED ({wanted}),
inside AS MATERIALIZED (
  SELECT member_id FROM members_segmentmembership WHERE segment_id = %s AND left_at IS NULL
),
gone AS (
  UPDATE members_segmentmembership m SET left_at = %s, left_xid = pg_current_xact_id()
  WHERE m.segment_id = %s AND m.left_at IS NULL
    AND m.member_id IN (SELECT member_id FROM inside EXCEPT SELECT member_id FROM wanted)
  RETURNING 1
),
come AS (
  INSERT INTO members_segmentmembership (segment_id, member_id, entered_at)
  SELECT %s, w.member_id, %s FROM (SELECT member_id FROM wanted EXCEPT SELECT member_id FROM inside) w
  RETURNING 1
)
SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM come), (SELECT count(*) FROM gone)"""

# Below the horizon: a transaction that is still open may yet commit a smaller number.
_CHANGES = """
SELECT kind, id, segment_id, member_id, at, xid::text::bigint FROM (
  SELECT 'entered' AS kind, id, segment_id, member_id, entered_at AS at, entered_xid AS xid
  FROM members_segmentmembership
  WHERE entered_xid >= %(after)s::text::xid8 AND entered_xid < pg_snapshot_xmin(pg_current_snapshot())
  UNION ALL
  SELECT 'left', id, segment_id, member_id, left_at, left_xid
  FROM members_segmentmembership
  WHERE left_xid >= %(after)s::text::xid8 AND left_xid < pg_snapshot_xmin(pg_current_snapshot())
) c
WHERE segment_id = ANY(%(segments)s)
ORDER BY xid, id, kind"""


@dataclass(frozen=True)
class Diff:
    """What a refresh found: how many are in, how many came and went."""

    size: int
    entered: int
    left: int


@dataclass(frozen=True)
class Change:
    """A member entered or left a segment. ``membership_id`` names the stay, for an occurrence key."""

    kind: str
    membership_id: int
    segment_id: int
    member_id: int
    at: datetime


class SegmentQuerySet(models.QuerySet):
    def live(self) -> "SegmentQuerySet":
        """Segments in use: not archived."""
        return self.filter(archived_at__isnull=True)

    def dynamic(self) -> "SegmentQuerySet":
        return self.filter(kind="dynamic")

    def naming(self, segment_id: int) -> "SegmentQuerySet":
        """Live segments whose rule names this one."""
        return self.live().filter(references__target_id=segment_id)


class StayQuerySet(models.QuerySet):
    """Stays of members in segments."""

    def current(self) -> "StayQuerySet":
        return self.filter(left_at__isnull=True)

    def at(self, at: datetime) -> "StayQuerySet":
        """Stays that covered the instant ``at``: from entering to before leaving."""
        return self.filter(Q(left_at__isnull=True) | Q(left_at__gt=at), entered_at__lte=at)

    def entered_since(self, since: datetime) -> "StayQuerySet":
        return self.filter(entered_at__gt=since)

    def left_since(self, since: datetime) -> "StayQuerySet":
        return self.filter(left_at__gt=since)


def apply_diff(*, segment_id: int, wanted: models.QuerySet, at: datetime) -> Diff:
    """Make the current stays of a segment those of ``wanted`` (one column of member ids), in one statement.

    The caller holds the segment's row, so that two at once cannot both enter a member.
    """
    try:
        sql, params = wanted.order_by().query.sql_with_params()
    except EmptyResultSet:
        sql, params = "SELECT 0::bigint WHERE false", ()
    with connection.cursor() as cursor:
        cursor.execute(_DIFF.format(wanted=sql), [*params, segment_id, at, segment_id, segment_id, at])
        size, entered, left = cursor.fetchone()
    return Diff(size, entered, left)


def read_changes(*, segment_ids: Iterable[int], after: int) -> tuple[list[Change], int]:
    """Who entered or left these segments from the cursor ``after`` on, and the cursor for the next call.

    Start with 0 for all of history or ``horizon()`` for what comes. Several readers each keep their own cursor; a long
    transaction anywhere on the server delays the rows behind it and loses none. Read cursor and rows in one
    transaction with what you do about them.
    """
    with connection.cursor() as cursor:
        # Taken first: what commits between the two statements is seen by the next call.
        upto = horizon()
        cursor.execute(_CHANGES, {"after": after, "segments": list(segment_ids)})
        rows: Sequence[tuple[Any, ...]] = [row for row in cursor.fetchall() if row[5] < upto]
    return [Change(*row[:5]) for row in rows], upto


def horizon() -> int:
    """The cursor below which nothing more can appear."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])
