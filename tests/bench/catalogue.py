"""The benchmarks by name; those that share their preparation are measured together and printed as asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench import (
    claiming,
    entitling,
    gating,
    importing,
    ingesting,
    mailing,
    pages,
    planning,
    running,
    segmenting,
    sweeping,
    tiering,
)
from tests.bench.measuring import Scene


@dataclass(frozen=True)
class Group:
    """Benchmarks of one database: their names and what measures them.

    With ``has_base`` it holds the base of members, with ``has_events`` also what they did.
    """

    names: tuple[str, ...]
    run: Callable[[Scene], Iterator[dict[str, Any]]]
    has_base: bool = True
    has_events: bool = False


GROUPS = (
    Group(("sweep",), sweeping.due_sweep),
    Group(("idle_sweep",), sweeping.idle_sweep),
    Group(("fact_to_state",), running.fact_to_state),
    Group(("plan", "replan"), planning.plan_and_replan),
    Group(("claim",), claiming.claim),
    Group(("email",), mailing.email),
    Group(("members_page",), pages.members_page),
    Group(("segment_count",), segmenting.segment_count, has_events=True),
    Group(("builder",), segmenting.builder, has_events=True),
    Group(("counter",), segmenting.counter, has_events=True),
    Group(("materialise",), segmenting.materialise),
    Group(("ingest",), ingesting.ingest, has_events=True),
    Group(("term_start",), entitling.term_start),
    Group(("usage_rate",), entitling.usage_rate),
    Group(("consume",), gating.consume),
    Group(("gate",), gating.gate),
    Group(("tiers",), tiering.rolled_out),
    Group(("import", "reimport"), importing.import_and_reimport, has_base=False),
)
NAMES = tuple(name for group in GROUPS for name in group.names)


def groups(names: Sequence[str]) -> list[Group]:
    """The groups that measure these benchmarks."""
    return [group for group in GROUPS if set(group.names) & set(names)]


def measure(names: Sequence[str], scene: Scene) -> Iterator[dict[str, Any]]:
    """Measure in this process's database, which is the benchmark's own; yields the lines asked for."""
    for group in groups(names):
        yield from (printed for printed in group.run(scene) if printed["name"] in names)
