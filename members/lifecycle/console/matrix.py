"""Moves from state to state as a table, with what a limit makes of each column."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from members.lifecycle.lifecycle import MembershipStatus, State
from members.plans.models import Tier


@dataclass(frozen=True)
class Cell:
    members: int
    is_hot: bool


@dataclass(frozen=True)
class Row:
    state: str
    cells: list[Cell]
    total: int


@dataclass(frozen=True)
class Matrix:
    """``rows`` by the state left, columns by the state entered; only states that occur."""

    targets: list[str]
    rows: list[Row]
    totals: list[Cell]
    total: int


@dataclass(frozen=True)
class StandingRow:
    """So many members would go from one status and tier to another; None is no tier."""

    status: MembershipStatus
    tier: Tier | None
    new_status: MembershipStatus
    new_tier: Tier | None
    members: int


def standings_of(shifts: Iterable[Mapping[str, Any]]) -> list[StandingRow]:
    """The JSON ``shifts`` of a preview, the largest first."""
    tiers: dict[int | None, Tier] = {tier.pk: tier for tier in Tier.objects.all()}
    return [
        StandingRow(
            MembershipStatus(shift["status"]), tiers.get(shift["tier_id"]), MembershipStatus(shift["new_status"]),
            tiers.get(shift["new_tier_id"]), shift["members"],
        )
        for shift in shifts
    ]  # fmt: skip


def matrix_of(moves: Iterable[Mapping[str, Any]], *, limit: int | None = None) -> Matrix:
    """The table of JSON ``moves`` ({from, to, members}); a column above ``limit`` is marked."""
    counts: Counter[tuple[str, str]] = Counter()
    for move in moves:
        if move["from"] is not None:
            counts[move["from"], move["to"]] += move["members"]
    sources = [state for state in State.values if any(source == state for source, _ in counts)]
    targets = [state for state in State.values if any(target == state for _, target in counts)]
    into = {target: sum(n for (_, t), n in counts.items() if t == target) for target in targets}
    hot = {target for target, n in into.items() if limit is not None and n > limit}
    rows = [
        Row(
            source,
            [Cell(counts[source, target], target in hot and counts[source, target] > 0) for target in targets],
            sum(counts[source, target] for target in targets),
        )
        for source in sources
    ]
    totals = [Cell(into[target], target in hot) for target in targets]
    return Matrix(targets, rows, totals, sum(into.values()))
