"""One segment as its page shows it."""

from datetime import datetime
from functools import cached_property
from typing import Any

from django.shortcuts import get_object_or_404

from members.models import Member, Segment, SegmentMembership, SegmentSize, SegmentVersion
from members.segments.builder.page import Line, answer_for, sentences_of
from members.segments.history import Bar, bars_of
from members.segments.schema import RuleInvalid, read_rule
from members.segments.usage import uses_of

RECENT = 8


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
        return bars_of(SegmentSize.objects.filter(segment=self.segment), self.at)

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
