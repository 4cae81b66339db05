"""Members who belong to something for a while: the one statement that brings a set up to date, and who came and went.

Segments and tags both keep such rows: one per stay, current while its end is unknown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models

# EXCEPT and not NOT EXISTS: on a table the planner takes for empty, that is a loop over all pairs.
_DIFF = """
WITH wanted (member_id) AS MATERIALIZED ({wanted}),
inside AS MATERIALIZED (SELECT member_id FROM {table} WHERE {owner} = %s AND {ends} IS NULL),
gone AS (
  UPDATE {table} m SET {ends} = CASE WHEN {ends_when} THEN %s::timestamptz END{end_sets}
  WHERE m.{owner} = %s AND m.{ends} IS NULL{mine}
    AND m.member_id IN (SELECT member_id FROM inside EXCEPT SELECT member_id FROM wanted)
  RETURNING m.{ends}
),{joined}
come AS (
  INSERT INTO {table} ({owner}, member_id, {begins}{columns})
  SELECT %s, w.member_id, %s{values}
  FROM (SELECT member_id FROM wanted EXCEPT SELECT member_id FROM inside ORDER BY 1) w{conflict}
  RETURNING 1
)
SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM come), (SELECT count({ends}) FROM gone)"""

# Stays that somebody else began.
_JOINED = """
joined AS (
  UPDATE {table} m SET {joins}
  WHERE m.{owner} = %s AND m.{ends} IS NULL AND NOT ({mine}) AND m.member_id IN (SELECT member_id FROM wanted)
),"""

# Below the horizon: a transaction that is still open may yet commit a smaller number.
_CHANGES = """
SELECT kind, id, owner, member_id, at, xid::text::bigint FROM (
  SELECT 'entered' AS kind, id, {owner} AS owner, member_id, {begins} AS at, {begun_xid} AS xid
  FROM {table}
  WHERE {begun_xid} >= %(after)s::text::xid8 AND {begun_xid} < pg_snapshot_xmin(pg_current_snapshot())
  UNION ALL
  SELECT 'left', id, {owner}, member_id, {ends}, {ended_xid}
  FROM {table}
  WHERE {ended_xid} >= %(after)s::text::xid8 AND {ended_xid} < pg_snapshot_xmin(pg_current_snapshot())
) c
WHERE owner = ANY(%(owners)s)
ORDER BY xid, id, kind"""


@dataclass(frozen=True)
class Diff:
    """What a refresh found: how many are in, how many came and went."""

    size: int
    entered: int
    left: int


@dataclass(frozen=True)
class Change:
    """A member came or went. ``kind`` is ``entered`` or ``left``; ``stay_id`` names the stay, for an occurrence key."""

    kind: str
    stay_id: int
    owner: Any
    member_id: int
    at: datetime


@dataclass(frozen=True)
class StayTable:
    """A table of stays and the names of its columns.

    ``mine`` narrows the stays a refresh may end, ``ends_when`` to those nobody else keeps, both over ``m``; ``on_end``
    is what it sets besides, and ``joins`` what it sets of others' stays whose members are wanted too.
    ``has_other_writers`` says that somebody else may begin a stay at the same moment, who then wins.
    """

    table: str
    owner: str
    begins: str
    ends: str
    begun_xid: str
    ended_xid: str
    mine: str = ""
    ends_when: str = "true"
    joins: str = ""
    on_end: str = ""
    has_other_writers: bool = False

    def apply(self, owner: Any, wanted: models.QuerySet, at: datetime, **columns: Any) -> Diff:
        """Make the current stays of ``owner`` those of ``wanted`` (one column of ids), in one statement.

        New stays get ``columns``. The caller holds the owner's row, so that two at once cannot both begin a stay.
        """
        try:
            sql, params = wanted.order_by().query.sql_with_params()
        except EmptyResultSet:
            sql, params = "SELECT 0::bigint WHERE false", ()
        return self.apply_sql(owner, sql, params, at, columns)

    def apply_sql(
        self, owner: Any, wanted: str, params: Iterable[Any], at: datetime, columns: Mapping[str, Any]
    ) -> Diff:
        """``apply`` for members named by a statement of one column."""
        statement = _DIFF.format(
            wanted=wanted, table=self.table, owner=self.owner, begins=self.begins, ends=self.ends,
            end_sets=f", {self.on_end}" if self.on_end else "", mine=f" AND {self.mine}" if self.mine else "",
            ends_when=self.ends_when, joined=self._joined(),
            columns="".join(f", {name}" for name in columns), values=", %s" * len(columns),
            conflict=" ON CONFLICT DO NOTHING" if self.has_other_writers else "",
        )  # fmt: skip
        with connection.cursor() as cursor:
            joined = [owner] if self.joins else []
            cursor.execute(statement, [*params, owner, at, owner, *joined, owner, at, *columns.values()])
            return Diff(*cursor.fetchone())

    def _joined(self) -> str:
        if not self.joins:
            return ""
        return _JOINED.format(table=self.table, owner=self.owner, ends=self.ends, joins=self.joins, mine=self.mine)

    def changes(self, owners: Iterable[Any], after: int) -> tuple[list[Change], int]:
        """Who came to or left these owners from the cursor ``after`` on, and the cursor for the next call.

        Start with 0 for all of history or ``horizon()`` for what comes. Several readers each keep their own cursor; a
        long transaction anywhere on the server delays the rows behind it and loses none. Read cursor and rows in one
        transaction with what you do about them.
        """
        statement = _CHANGES.format(
            table=self.table, owner=self.owner, begins=self.begins, ends=self.ends, begun_xid=self.begun_xid,
            ended_xid=self.ended_xid,
        )  # fmt: skip
        with connection.cursor() as cursor:
            # Taken first: what commits between the two statements is seen by the next call.
            upto = horizon()
            cursor.execute(statement, {"after": after, "owners": list(owners)})
            rows = [row for row in cursor.fetchall() if row[5] < upto]
        return [Change(*row[:5]) for row in rows], upto


def horizon() -> int:
    """The cursor below which nothing more can appear."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])
