"""Whom a version of some settings would change, as a statement: counted, listed a page at a time, and kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

_KEEP = """
INSERT INTO members_foreseenchange (foresight_id, member_id, what, before, after)
SELECT %(foresight)s, c.member_id, c.what, c.before, c.after FROM ({sql}) c"""

_FIGURES = """
SELECT c.what, c.before, c.after, count(*)::int FROM ({sql}) c GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3"""

_LIST = """
SELECT c.member_id, c.before, c.after FROM ({sql}) c
WHERE {asked} AND c.member_id > %(behind)s ORDER BY c.member_id LIMIT %(most)s"""

_COUNT = "SELECT count(*)::int FROM ({sql}) c WHERE {asked}"

KEPT = "SELECT k.member_id, k.what, k.before, k.after FROM members_foreseenchange k WHERE k.foresight_id = %(kept)s"

_AMONG_KEPT = """
SELECT a.member_id, a.what || %(suffix)s AS what, a.before, a.after FROM ({sql}) a
JOIN members_foreseenchange k ON k.foresight_id = %(kept)s AND k.member_id = a.member_id AND k.what = a.what
  AND k.before = a.before AND k.after = a.after"""


@dataclass(frozen=True)
class Figure:
    """So many members would go from ``before`` to ``after`` in ``what``."""

    what: str
    before: str
    after: str
    members: int


@dataclass(frozen=True)
class FigureAsked:
    """One figure, or with None on a side the total over that side."""

    what: str
    before: str | None = None
    after: str | None = None

    def condition(self) -> str:
        sides = [f"c.{name} = %({name})s" for name in ("before", "after") if getattr(self, name) is not None]
        return " AND ".join(["c.what = %(what)s", *sides])

    def values(self) -> dict[str, str | None]:
        return {"what": self.what, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class MemberForeseen:
    """A member whom a figure counts, with what is and what would be."""

    member_id: int
    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """A statement with rows (member_id, what, before, after): one for each member and each thing that would change.

    ``what``, ``before`` and ``after`` are codes of at most 80 characters. The figures of a preview and the lists
    behind them are read from the same one, so that they agree.
    """

    sql: str
    params: Mapping[str, Any]

    def figures(self) -> list[Figure]:
        """Every figure, the largest first."""
        return [Figure(*row) for row in self._read(_FIGURES.format(sql=self.sql), {})]

    def count(self, asked: FigureAsked) -> int:
        [(members,)] = self._read(_COUNT.format(sql=self.sql, asked=asked.condition()), asked.values())
        return int(members)

    def count_members(self) -> int:
        """Everybody whom anything changes."""
        [(members,)] = self._read(f"SELECT count(DISTINCT c.member_id)::int FROM ({self.sql}) c", {})
        return int(members)

    def members(self, asked: FigureAsked, *, behind: int, limit: int) -> list[MemberForeseen]:
        """The next ``limit`` members whom a figure counts, after the member ``behind``."""
        sql = _LIST.format(sql=self.sql, asked=asked.condition())
        rows = self._read(sql, {**asked.values(), "behind": behind, "most": limit})
        return [MemberForeseen(*row) for row in rows]

    def keep(self, foresight_id: int) -> None:
        """Write the rows down."""
        with connection.cursor() as cursor:
            cursor.execute(_KEEP.format(sql=self.sql), {**self.params, "foresight": foresight_id})

    def among_kept(self, foresight_id: int, *, suffix: str) -> "Changes":
        """Those of them that a look kept too, with ``suffix`` behind what changes."""
        return Changes(_AMONG_KEPT.format(sql=self.sql), {**self.params, "kept": foresight_id, "suffix": suffix})

    def _read(self, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, {**self.params, **values})
            return list(cursor.fetchall())


# Where nothing is kept any more.
NOBODY = Changes(
    "SELECT NULL::bigint AS member_id, NULL::text AS what, NULL::text AS before, NULL::text AS after WHERE false", {}
)
