"""Segments over time and beside each other, read from the stays and the log of sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from members.models import Member, Segment, SegmentMembership, SegmentSize
from members.querysets.people import MemberQuerySet

HISTORY_DAYS = 90
BARS = 45

_COMBINATIONS = """
SELECT segments, count(*) FROM (
  SELECT array_agg(segment_id ORDER BY segment_id) AS segments FROM members_segmentmembership
  WHERE segment_id = ANY(%s) AND left_at IS NULL GROUP BY member_id
) per_member GROUP BY segments"""


@dataclass(frozen=True)
class Overlap:
    """How many members each combination of the segments has: exactly those segments, and no other of them."""

    combinations: dict[frozenset[int], int]

    def in_all(self, segment_ids: Sequence[int]) -> int:
        """Members in every one of these."""
        return sum(n for combination, n in self.combinations.items() if combination >= set(segment_ids))


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


def membership_at(segment: Segment, at: datetime) -> MemberQuerySet:
    """The members who were in the segment at ``at``, by the stays."""
    stays = SegmentMembership.objects.at(at).filter(segment=segment)
    return Member.objects.filter(pk__in=stays.values("member_id"))


def size_at(segment: Segment, at: datetime) -> int | None:
    """The size at a past instant, by the log of sizes; None before the first refresh."""
    earlier = SegmentSize.objects.filter(segment=segment, at__lte=at).order_by("-at")
    return earlier.values_list("size", flat=True).first()


def size_history(segment: Segment, since: datetime, until: datetime) -> list[SegmentSize]:
    """Each change of size in ``[since, until)``, in order."""
    return list(SegmentSize.objects.filter(segment=segment, at__gte=since, at__lt=until).order_by("at"))


def overlap(segment_ids: Sequence[int]) -> Overlap:
    """The current members of two or more segments by combination, in one reading."""
    with connection.cursor() as cursor:
        cursor.execute(_COMBINATIONS, [list(segment_ids)])
        return Overlap({frozenset(ids): n for ids, n in cursor.fetchall()})
