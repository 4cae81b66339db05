"""One segment as its page shows it."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import get_current_timezone_name, localtime
from django.utils.translation import gettext

from members.people.models import Member
from members.people.querysets.people import Cursor
from members.people.rules import at_local, end_of_day
from members.segments.console.builder.page import Line, answer_for, sentences_of
from members.segments.console.history import Bar, Moves, bars_of, moves_since, size_at
from members.segments.console.links import at_day
from members.segments.models import Segment, SegmentMembership, SegmentSize, SegmentVersion
from members.segments.references import uses_of
from members.segments.schema import RuleInvalid, read_rule

RECENT = 8
PAGE = 50


class SegmentPortrait:
    """Reads each part once, when the page asks for it."""

    def __init__(self, segment_id: int, *, at: datetime, who: str = "") -> None:
        self.at, self.who = at, who.strip()
        rows = Segment.objects.select_related("updated_by", "created_by")
        self.segment: Segment = get_object_or_404(rows, pk=segment_id)

    @property
    def month_ago(self) -> datetime:
        """Where the question who came and went begins unless another day is chosen."""
        return self.at - timedelta(days=30)

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


class SegmentPast:
    """Who came and went since a day, and the size at the end of one; ``asked`` holds the days ``since`` and ``on``."""

    def __init__(self, segment: Segment, *, asked: Mapping[str, Any], params: QueryDict, at: datetime) -> None:
        self.segment, self.at, self.params = segment, at, params
        self.since: date | None = asked.get("since")
        self.on: date | None = asked.get("on")
        self.way = "left" if params.get("way") == "left" else "entered"
        self.zone = get_current_timezone_name()

    @cached_property
    def tabs(self) -> list[dict[str, Any]]:
        """Who came and who went, with how many."""
        words = {"entered": gettext("Came in"), "left": gettext("Left")}
        return [
            {"label": label, "count": self._count(way), "href": self._url(way=way), "current": way == self.way}
            for way, label in words.items()
        ]

    @cached_property
    def moves(self) -> Moves:
        if self.since is None:
            return Moves([], None)
        after = Cursor.parse(self.params.get("after", ""))
        after = after if after and after.value else None
        return moves_since(self.segment, self._start, way=self.way, after=after, size=PAGE)

    @property
    def next_url(self) -> str:
        return self._url(way=self.way, after=str(self.moves.next)) if self.moves.next else ""

    @property
    def first_url(self) -> str:
        return self._url(way=self.way) if self.params.get("after") else ""

    @cached_property
    def size_then(self) -> int | None:
        """The size at the end of the day asked about; None before the segment was first counted."""
        return size_at(self.segment, min(end_of_day(self.on, self.zone), self.at)) if self.on else None

    @property
    def then_url(self) -> str:
        return at_day(self.segment.pk, self.on) if self.on else ""

    @property
    def _start(self) -> datetime:
        day = self.since or localtime(self.at).date()
        return at_local(day, time(0), self.zone) - timedelta(microseconds=1)

    def _count(self, way: str) -> int:
        if self.since is None:
            return 0
        return SegmentMembership.objects.filter(segment=self.segment).moved_since(way, self._start).count()

    def _url(self, **changes: str) -> str:
        days = {name: day.isoformat() for name, day in (("since", self.since), ("on", self.on)) if day}
        return f"{reverse('segments:history', args=[self.segment.pk])}?{urlencode(days | changes)}"
