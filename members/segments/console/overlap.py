"""Segments beside each other and beside everybody, as their pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext as _

from config.engine.naming import name_of
from members.segments.console import links
from members.segments.console.history import Breakdown, Overlap, Slice, breakdown, overlap
from members.segments.dimensions import Dimension
from members.segments.limits import TooSlow
from members.segments.models import Segment


@dataclass(frozen=True)
class Intersection:
    """Members of exactly some of the segments; ``marks`` says of each segment whether it is one of them."""

    marks: list[bool]
    words: str
    count: int
    share: float
    href: str


@dataclass(frozen=True)
class Shared:
    """How many of one segment are also in another, and which part of the first that is."""

    count: int
    share: float
    href: str
    is_itself: bool


@dataclass(frozen=True)
class ValueRow:
    """One value of a breakdown, with the addresses of its two figures."""

    slice: Slice
    label: str
    href: str
    everybody_href: str
    width: float
    width_of_everybody: float


class Comparison:
    """Two to four segments; read once."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments

    @cached_property
    def overlap(self) -> Overlap:
        return overlap([segment.pk for segment in self.segments])

    @cached_property
    def in_any(self) -> int:
        """Members in at least one of them."""
        return sum(self.overlap.combinations.values())

    @cached_property
    def intersections(self) -> list[Intersection]:
        """Each combination that has members, the largest first."""
        found = sorted(self.overlap.combinations.items(), key=lambda item: -item[1])
        most = found[0][1] if found else 1
        return [self._intersection(ids, count, count / most) for ids, count in found]

    @cached_property
    def shared(self) -> list[tuple[Segment, int, list[Shared]]]:
        """Each segment with its size and what it shares with each of them."""
        rows = []
        for one in self.segments:
            size = self.overlap.in_all([one.pk])
            rows.append((one, size, [self._shared(one, other, size) for other in self.segments]))
        return rows

    def _shared(self, one: Segment, other: Segment, size: int) -> Shared:
        count = self.overlap.in_all([one.pk, other.pk])
        return Shared(count, count / (size or 1), links.combination({one.pk, other.pk}), one.pk == other.pk)

    def _intersection(self, ids: frozenset[int], count: int, share: float) -> Intersection:
        inside = [segment for segment in self.segments if segment.pk in ids]
        outside = [segment.pk for segment in self.segments if segment.pk not in ids]
        words = _(" and ").join(name_of(segment) for segment in inside)
        if len(inside) == 1:
            words = _("only %(name)s") % {"name": words}
        marks = [segment.pk in ids for segment in self.segments]
        return Intersection(marks, words, count, share, links.combination(ids, outside))


class SegmentBreakdown:
    """One segment by a dimension, beside everybody; read once."""

    def __init__(self, segment: Segment, dimension: Dimension, *, at: datetime) -> None:
        self.segment, self.dimension, self.at = segment, dimension, at

    @cached_property
    def found(self) -> Breakdown | None:
        """None when it takes too long."""
        try:
            return breakdown(self.segment, self.dimension, at=self.at)
        except TooSlow:
            return None

    @cached_property
    def rows(self) -> list[ValueRow]:
        if self.found is None:
            return []
        words, slices = self.dimension.words(), self.found.slices
        most = max((max(s.share, s.share_of_everybody) for s in slices), default=0) or 1
        return [
            ValueRow(
                s, str(words.get(s.value, s.value)) or _("Not known"),
                links.with_value(self.dimension.code, s.value, segment=str(self.segment.pk)),
                links.with_value(self.dimension.code, s.value), s.share / most, s.share_of_everybody / most,
            )
            for s in slices
        ]  # fmt: skip
