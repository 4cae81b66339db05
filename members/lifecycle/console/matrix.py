"""Moves from state to state as a table, with what a limit makes of each column."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from config.engine.naming import name_of
from members.lifecycle.lifecycle import MembershipStatus, State
from members.plans.models import Tier


@dataclass(frozen=True)
class MoveCell:
    """So many members, with the list of them where there is one."""

    members: int
    is_hot: bool
    href: str


@dataclass(frozen=True)
class MoveRow:
    state: str
    cells: list[MoveCell]
    total: MoveCell


@dataclass(frozen=True)
class Matrix:
    """``rows`` by the state left, columns by the state entered; only states that occur."""

    targets: list[str]
    rows: list[MoveRow]
    totals: list[MoveCell]
    total: MoveCell


@dataclass(frozen=True)
class StandingRow:
    """So many members would go from one status and tier to another, both in words."""

    before: str
    after: str
    members: int
    href: str


# The address of the members behind a figure, by the states left and entered; None is any.
Leads = Callable[[str | None, str | None], str]


def standings_of(figures: Iterable[Mapping[str, Any]], leads: Leads) -> list[StandingRow]:
    """JSON ``figures`` ({from, to, members}) between statuses and tiers."""
    words = standing_words()
    return [
        StandingRow(words(row["from"]), words(row["to"]), row["members"], leads(row["from"], row["to"]))
        for row in figures
    ]


def standing_words() -> Callable[[str], str]:
    """What names a status with a tier, as ``changes_sql`` writes them."""
    tiers = {str(tier.pk): name_of(tier) for tier in Tier.objects.all()}
    labels = {value: str(label) for value, label in MembershipStatus.choices}

    def words(code: str) -> str:
        status, _sign, tier = code.partition(":")
        label = labels.get(status, status)
        return f"{label} · {tiers[tier]}" if tier in tiers else label

    return words


def matrix_of(moves: Iterable[Mapping[str, Any]], *, limit: int | None = None, leads: Leads | None = None) -> Matrix:
    """The table of JSON ``moves`` ({from, to, members}); a column above ``limit`` is marked."""
    counts: Counter[tuple[str, str]] = Counter()
    for move in moves:
        if move["from"] is not None:
            counts[move["from"], move["to"]] += move["members"]
    sources = [state for state in State.values if any(source == state for source, _ in counts)]
    targets = [state for state in State.values if any(target == state for _, target in counts)]
    into = {target: sum(n for (_, t), n in counts.items() if t == target) for target in targets}
    hot = {target for target, n in into.items() if limit is not None and n > limit}

    def cell(source: str | None, target: str | None) -> MoveCell:
        members = sum(n for (s, t), n in counts.items() if source in (s, None) and target in (t, None))
        href = leads(source, target) if leads and members else ""
        return MoveCell(members, target in hot and members > 0, href)

    rows = [MoveRow(source, [cell(source, target) for target in targets], cell(source, None)) for source in sources]
    return Matrix(targets, rows, [cell(None, target) for target in targets], cell(None, None))
