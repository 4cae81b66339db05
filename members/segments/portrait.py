"""One segment as its page shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.shortcuts import get_object_or_404

from members.models import Member, Segment, SegmentMembership, SegmentVersion
from members.segments.builder.page import Line, answer_for, sentences_of
from members.segments.history import size_history
from members.segments.schema import RuleInvalid, read_rule
from members.segments.usage import uses_of

HISTORY_DAYS = 90
RECENT = 8
BARS = 45


@dataclass(frozen=True)
class Bar:
    """The size at the end of one stretch of the history, as a part of the largest."""

    at: datetime
    size: int
    height: float


class SegmentPortrait:
    """Reads each part once, when the page asks for it."""

    def __init__(self, segment_id: int, *, at: datetime, who: str = "") -> None:
        self.at, self.who = at, who.strip()
        rows = Segment.objects.select_related("updated_by", "created_by")
        self.segment: Segment = get_object_or_404(rows, pk=segment_id)

    @cached_property
    def sentences(self) -> list[Line]:
        """The rule read aloud; empty for an uploaded list."""
        return sentences_of(self.segment.rule) if self.segment.rule else []

    @cached_property
    def uses(self) -> list[Any]:
        return uses_of(self.segment.pk)

    @cached_property
    def versions(self) -> list[SegmentVersion]:
        return list(self.segment.versions.select_related("saved_by")[:RECENT])

    @cached_property
    def entered(self) -> list[SegmentMembership]:
        """The last to come in."""
        return self._stays("entered_at")

    @cached_property
    def left(self) -> list[SegmentMembership]:
        """The last to go."""
        return self._stays("left_at")

    @cached_property
    def bars(self) -> list[Bar]:
        """The size over the last days, at most one bar for each two of them."""
        since = self.at - timedelta(days=HISTORY_DAYS)
        changes = size_history(self.segment, since, self.at + timedelta(seconds=1))
        if len(changes) < 2:
            return []
        step = (self.at - max(since, changes[0].at)) / BARS
        ends = [changes[0].at + step * n for n in range(BARS + 1)] if step else [self.at]
        sizes = [(end, next((c.size for c in reversed(changes) if c.at <= end), 0)) for end in ends]
        most = max(size for _end, size in sizes) or 1
        return [Bar(end, size, round(100 * size / most, 1)) for end, size in sizes]

    @cached_property
    def checked(self) -> Member | None:
        """The member someone asks about."""
        return Member.objects.search(self.who).order_by("pk").first() if self.who else None

    @cached_property
    def is_in(self) -> bool:
        if self.checked is None:
            return False
        return SegmentMembership.objects.current().filter(segment=self.segment, member=self.checked).exists()

    @cached_property
    def answer(self) -> list[Line]:
        """The rule for that member, node by node."""
        if self.checked is None or not self.segment.rule:
            return []
        try:
            rule = read_rule(self.segment.rule)
        except RuleInvalid:
            return []
        return answer_for(rule, self.checked, self.at)

    def _stays(self, column: str) -> list[SegmentMembership]:
        rows = SegmentMembership.objects.filter(segment=self.segment, **{f"{column}__isnull": False})
        return list(rows.select_related("member__lifecycle").order_by(f"-{column}", "-pk")[:RECENT])
