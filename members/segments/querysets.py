"""Questions about segments and who is in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, models
from django.db.models import F, Q

from config.engine.stays import Diff, StayTable, horizon
from members.people.querysets.people import Cursor

__all__ = ["STAYS", "Change", "Diff", "SegmentQuerySet", "StayQuerySet", "apply_diff", "horizon", "read_changes"]

_COMBINATIONS = """
SELECT segments, count(*) FROM (
  SELECT array_agg(segment_id ORDER BY segment_id) AS segments FROM members_segmentmembership
  WHERE segment_id = ANY(%s) AND left_at IS NULL GROUP BY member_id
) per_member GROUP BY segments"""

_MATCH = """
INSERT INTO members_segmentuploadline (upload_id, row_no, value, member_id)
SELECT %(upload)s, t.row_no, t.value, {member} FROM unnest(%(numbers)s::int[], %(values)s::text[]) AS t (row_no, value)
LEFT JOIN {table} ON CONFLICT (upload_id, value) DO NOTHING"""
_MATCH_IDENTITIES = _MATCH.format(
    member="i.member_id", table="members_identity i ON i.kind = %(kind)s AND i.value = t.value"
)
# A number of one who was merged means the member in whom the chain of merges ends.
_STANDING = """LATERAL (
  WITH RECURSIVE followed (id, merged_into_id) AS (
    SELECT id, merged_into_id FROM members_member
    WHERE id = CASE WHEN t.value ~ '^[0-9]{1,18}$' THEN t.value::bigint END
    UNION ALL
    SELECT n.id, n.merged_into_id FROM followed f JOIN members_member n ON n.id = f.merged_into_id
  )
  SELECT id FROM followed WHERE merged_into_id IS NULL
) m ON true"""
_MATCH_NUMBERS = _MATCH.format(member="m.id", table=_STANDING)

STAYS = StayTable(
    table="members_segmentmembership", owner="segment_id", begins="entered_at", ends="left_at",
    begun_xid="entered_xid", ended_xid="left_xid", on_end="left_xid = pg_current_xact_id()",
)  # fmt: skip


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

    def moved_since(self, way: str, since: datetime) -> "StayQuerySet":
        """Stays entered or left (``way``) after ``since``."""
        return self.filter(**{f"{way}_at__gt": since})

    def behind(self, column: str, cursor: Cursor | None) -> "StayQuerySet":
        """The stays by ``column``, the latest first, from behind the cursor on."""
        rows = self.order_by(f"-{column}", "-pk")
        if cursor is None:
            return rows
        return rows.filter(Q(**{f"{column}__lt": cursor.value}) | Q(**{column: cursor.value}, pk__lt=cursor.pk))


class UploadQuerySet(models.QuerySet):
    """Uploaded lists."""

    def waiting(self) -> "UploadQuerySet":
        """Lists not looked up yet."""
        return self.filter(status="waiting")

    def claim(self, pk: int, *, at: datetime, stale_before: datetime) -> int | None:
        """Take a waiting list that nobody reads, or whose reader is gone since; the number of the attempt, or None."""
        free = self.waiting().filter(Q(claimed_at__isnull=True) | Q(claimed_at__lt=stale_before), pk=pk)
        if not free.update(claimed_at=at, attempt=F("attempt") + 1, lines=0, bytes_read=0):
            return None
        return self.values_list("attempt", flat=True).get(pk=pk)

    def held(self, pk: int, attempt: int) -> "UploadQuerySet":
        """The list while this attempt reads it."""
        return self.waiting().filter(pk=pk, attempt=attempt)


def combinations(segment_ids: Sequence[int]) -> dict[frozenset[int], int]:
    """How many current members are in exactly each combination of the segments that has any."""
    with connection.cursor() as cursor:
        cursor.execute(_COMBINATIONS, [list(segment_ids)])
        return {frozenset(ids): n for ids, n in cursor.fetchall()}


def match_lines(*, upload_id: int, kind: str, rows: Sequence[tuple[int, str]]) -> None:
    """Add these (row number, normalised entry) to an uploaded list with whom each names; repeated ones are dropped."""
    numbers, values = [number for number, _value in rows], [value for _number, value in rows]
    with connection.cursor() as cursor:
        statement = _MATCH_NUMBERS if kind == "number" else _MATCH_IDENTITIES
        cursor.execute(statement, {"upload": upload_id, "numbers": numbers, "values": values, "kind": kind})


def apply_diff(*, segment_id: int, wanted: models.QuerySet, at: datetime) -> Diff:
    """Make the current stays of a segment those of ``wanted`` (one column of member ids), in one statement.

    The caller holds the segment's row, so that two at once cannot both enter a member.
    """
    return STAYS.apply(segment_id, wanted, at)


def read_changes(*, segment_ids: Iterable[int], after: int) -> tuple[list[Change], int]:
    """Who entered or left these segments from the cursor ``after`` on, and the cursor for the next call.

    ``StayTable.changes`` says how to read on.
    """
    found, cursor = STAYS.changes(segment_ids, after)
    return [Change(c.kind, c.stay_id, c.owner, c.member_id, c.at) for c in found], cursor
