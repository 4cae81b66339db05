"""Segments over time and beside each other, read from the stays and the log of sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from members.people.models import Member
from members.people.querysets.people import Cursor
from members.segments.dimensions import Dimension
from members.segments.limits import reading
from members.segments.models import Segment, SegmentMembership, SegmentSize
from members.segments.querysets import combinations

MAX_COMPARED = 4
MAX_SLICES = 50
# Everybody is read once, which a rule may not take so long for.
SECONDS = 15
HISTORY_DAYS = 90
BARS = 45


@dataclass(frozen=True)
class Overlap:
    """How many members each combination of the segments has: exactly those segments, and no other of them."""

    combinations: dict[frozenset[int], int]

    def in_all(self, segment_ids: Sequence[int]) -> int:
        """Members in every one of these."""
        return sum(n for combination, n in self.combinations.items() if combination >= set(segment_ids))


@dataclass(frozen=True)
class Slice:
    """The members with one value of a dimension: in the segment and among everybody, also as shares of each.

    ``lift`` is how many times as frequent the value is in the segment; None where nobody has it.
    """

    value: str
    inside: int
    everybody: int
    share: float
    share_of_everybody: float

    @property
    def lift(self) -> float | None:
        return self.share / self.share_of_everybody if self.share_of_everybody else None


@dataclass(frozen=True)
class Breakdown:
    """A segment beside everybody; ``slices`` the largest in the segment first, at most ``MAX_SLICES``."""

    size: int
    everybody: int
    slices: list[Slice]
    is_cut: bool


@dataclass(frozen=True)
class Moves:
    """One page of stays, the latest first, and where the next begins."""

    stays: list[SegmentMembership]
    next: Cursor | None


@dataclass(frozen=True)
class Bar:
    """The size at the end of one stretch of the history, as a part of the largest."""

    at: datetime
    size: int
    height: float


def bars_of(sizes: QuerySet[Any], at: datetime) -> list[Bar]:
    """A log of sizes over the last days, at most one bar for each two of them; none before it changed once."""
    since = at - timedelta(days=HISTORY_DAYS)
    changes = list(sizes.filter(at__gte=since, at__lte=at).order_by("at"))
    if len(changes) < 2:
        return []
    step = (at - changes[0].at) / BARS
    ends = [changes[0].at + step * n for n in range(BARS + 1)] if step else [at]
    found = [(end, next((c.size for c in reversed(changes) if c.at <= end), 0)) for end in ends]
    most = max(size for _end, size in found) or 1
    return [Bar(end, size, round(100 * size / most, 1)) for end, size in found]


def size_at(segment: Segment, at: datetime) -> int | None:
    """The size at a past instant, by the log of sizes; None before the first refresh."""
    earlier = SegmentSize.objects.filter(segment=segment, at__lte=at).order_by("-at")
    return earlier.values_list("size", flat=True).first()


def size_history(segment: Segment, since: datetime, until: datetime) -> list[SegmentSize]:
    """Each change of size in ``[since, until)``, in order."""
    return list(SegmentSize.objects.filter(segment=segment, at__gte=since, at__lt=until).order_by("at"))


def overlap(segment_ids: Sequence[int]) -> Overlap:
    """The current members of two or more segments by combination, in one reading."""
    return Overlap(combinations(segment_ids))


def breakdown(segment: Segment, dimension: Dimension, *, at: datetime) -> Breakdown:
    """The segment's current members by a dimension beside everybody's, in one reading. Raises TooSlow."""
    inside = SegmentMembership.objects.current().filter(segment=segment).values("member_id")
    # Looked up in a hash of the segment, not member by member.
    is_inside = Count("pk", filter=Q(pk__in=inside))
    members = Member.objects.order_by()
    with reading(SECONDS):
        totals = members.aggregate(everybody=Count("pk"), size=is_inside)
        rows = dimension.over(members, at).values("value").annotate(everybody=Count("pk"), inside=is_inside)
        found = list(rows.order_by("-inside", "-everybody", "value")[: MAX_SLICES + 1])
    size, everybody = totals["size"], totals["everybody"]
    slices = [
        Slice(r["value"], r["inside"], r["everybody"], r["inside"] / (size or 1), r["everybody"] / (everybody or 1))
        for r in found[:MAX_SLICES]
    ]
    return Breakdown(size, everybody, slices, len(found) > MAX_SLICES)


def moves_since(segment: Segment, since: datetime, *, way: str, after: Cursor | None, size: int) -> Moves:
    """Who entered (``way`` "entered") or left ("left") after ``since``, a page behind ``after``."""
    column = f"{way}_at"
    stays = SegmentMembership.objects.filter(segment=segment).moved_since(way, since).behind(column, after)
    page = list(stays.select_related("member__lifecycle")[: size + 1])
    last = page[size - 1] if len(page) > size else None
    return Moves(page[:size], Cursor(getattr(last, column), last.pk) if last else None)
