"""Segments over time and beside each other, read from the stays and the log of sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from members.models import Member, Segment, SegmentMembership, SegmentSize
from members.querysets.people import MemberQuerySet

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
