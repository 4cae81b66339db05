"""One timeline of a member from many logs. Each app registers the logs it owns in its ``AppConfig.ready``.

A source is asked for entries before a point in time and merged with the others, so that "earlier" costs the same
however long the history is.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from django.utils.functional import Promise
from django.utils.timezone import localtime

from config.engine.ids import read_id
from config.engine.registry import Registry

_ALL_IDS = 2**63 - 1


@dataclass(frozen=True)
class Entry:
    """One line. ``kind`` picks its look: ``state``, ``msg``, ``evt``, ``audit``, ``bad``, or empty."""

    at: datetime
    pk: int
    icon: str
    title: str | Promise = ""
    kind: str = ""
    note: str | Promise = ""
    chip: str | Promise = ""
    chip_kind: str = ""
    from_state: str | None = None
    to_state: str | None = None
    href: str = ""
    link: str | Promise = ""
    in_drawer: bool = False
    kind_label: str | Promise = ""
    source: str = ""

    @property
    def day(self) -> date:
        return localtime(self.at).date()


class Fetch(Protocol):
    """Reads a member's entries older than (``before_at``, ``before_pk``), newest first by (at, pk), at most ``limit``.

    ``alone`` is true when the viewer asked for this source only: then nothing is left out because another source
    also tells it.
    """

    def __call__(
        self, member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool
    ) -> Sequence[Entry]: ...


@dataclass(frozen=True)
class Source:
    """A log, with a filter of its own on every member's timeline.

    ``tells`` are the audit actions of which the log has an entry itself, so that nothing stands there twice.
    ``follows`` is the log whose entries cause this one's: at one instant the effect stands above its cause.
    """

    code: str
    label: str | Promise
    fetch: Fetch
    tells: Collection[str] = ()
    follows: str = ""


@dataclass(frozen=True)
class Point:
    """Where a page of the timeline ends: its last entry's instant, source and id."""

    at: datetime
    source: str
    pk: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.source}~{self.pk}"

    @classmethod
    def parse(cls, text: str) -> "Point | None":
        at, _, rest = text.partition("~")
        source, _, pk = rest.partition("~")
        try:
            instant = datetime.fromisoformat(at)
        except ValueError:
            return None
        key = read_id(pk)
        return cls(instant, source, key) if key is not None and instant.tzinfo else None


@dataclass(frozen=True)
class Page:
    entries: list[Entry]
    earlier: Point | None


SOURCES: Registry[Source] = Registry("timeline", code_of=lambda source: source.code)


def told() -> frozenset[str]:
    """The audit actions that some log tells."""
    return frozenset(action for source in SOURCES for action in source.tells)


def read(member_id: int, *, until: datetime, only: str = "", before: Point | None = None, limit: int = 20) -> Page:
    """The newest ``limit`` entries before ``before`` (else not after ``until``), of one source or of all."""
    chosen = [source for source in SOURCES if not only or source.code == only]
    ranks = _ranks(chosen)
    entries: list[Entry] = []
    for source in chosen:
        at, pk = _bound(source, ranks, before, until)
        found = source.fetch(member_id, before_at=at, before_pk=pk, limit=limit + 1, alone=bool(only))
        entries += [replace(entry, source=source.code, kind_label=source.label) for entry in found]
    entries.sort(key=lambda entry: (entry.at, -ranks[entry.source], entry.pk), reverse=True)
    shown = entries[:limit]
    last = shown[-1] if len(entries) > limit else None
    return Page(shown, Point(last.at, last.source, last.pk) if last else None)


def _ranks(chosen: Iterable[Source]) -> dict[str, int]:
    places = {code: place for place, code in enumerate(SOURCES.codes())}
    ordered = sorted(chosen, key=lambda one: (places.get(one.follows, places[one.code]), not one.follows))
    return {source.code: rank for rank, source in enumerate(ordered)}


def _bound(source: Source, ranks: dict[str, int], before: Point | None, until: datetime) -> tuple[datetime, int]:
    """Entries at one instant come in the order of their sources, so what is left of that instant differs by source."""
    if before is None:
        return until, _ALL_IDS
    rank = ranks.get(before.source, -1)
    if ranks[source.code] == rank:
        return before.at, before.pk
    return before.at, _ALL_IDS if ranks[source.code] > rank else 0
