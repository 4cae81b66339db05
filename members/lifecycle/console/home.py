"""What the first page shows of the lifecycle."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import ngettext

from config.staff.models import User
from members.lifecycle import metrics
from members.lifecycle.lifecycle import State
from members.people.console.filters import LIVE
from members.people.console.links import members_list

WINDOWS = (7, 30, 90)


@dataclass(frozen=True)
class Lifecycle:
    """The eight states as a flow, with the moves of the last ``days`` days."""

    days: int
    windows: list[dict[str, Any]]
    total: int
    nodes: list[dict[str, Any]]
    back: dict[str, dict[str, Any]]
    moves: list[dict[str, Any]]


def lifecycle(user: User, at: datetime, asked: Mapping[str, str]) -> Lifecycle:
    """The flow in the window of the address, else in the shortest."""
    days = next((window for window in WINDOWS if asked.get("days") == str(window)), WINDOWS[0])
    counts = metrics.members_by_state()
    start, key = at - timedelta(days=days), f"{days}d"
    moves, movers = metrics.moves_since(start, key=key), metrics.movers_since(start, key=key)
    return Lifecycle(
        days=days,
        windows=_windows(days),
        total=sum(counts.values()),
        nodes=[_node(state, counts, moves, position) for position, state in enumerate(State.values)],
        back=_ways_back(movers, days),
        moves=[
            {"from": source, "to": target, "members": n, "href": members_list(moved=f"{source}.{target}.{days}")}
            for (source, target), n in movers.between.most_common()
        ],
    )


# More people in these states is bad news.
_LEAVING = (State.EXPIRING, State.EXPIRED, State.CHURNED)


def _node(state: str, counts: dict[str, int], moves: Counter[tuple[str | None, str]], position: int) -> dict[str, Any]:
    delta = sum(n for (_s, t), n in moves.items() if t == state) - sum(n for (s, _t), n in moves.items() if s == state)
    following = State.values[position + 1] if position + 1 < len(State.values) else None
    good = delta < 0 if state in _LEAVING else delta > 0
    return {
        "state": state,
        "count": counts[state],
        "href": members_list(state=state),
        "delta": delta,
        "delta_kind": "" if delta == 0 else "up" if good else "down",
        "onward": moves[state, following] if following else None,
    }


def _ways_back(movers: metrics.Movers, days: int) -> dict[str, dict[str, Any]]:
    back: dict[str, dict[str, Any]] = {}
    for name, source in (("renewed", State.EXPIRING), ("won_back", State.EXPIRED), ("returned", State.CHURNED)):
        back[name] = {"count": movers.back[source.value], "href": members_list(moved=f"{source.value}.{LIVE}.{days}")}
    widest = max((way["count"] for way in back.values()), default=0)
    for way in back.values():
        way["width"] = round(2 + 11 * way["count"] / widest, 1) if widest else 2
    return back


def _windows(days: int) -> list[dict[str, Any]]:
    """The windows of the lifecycle card as links, ``days`` current."""
    return [
        {
            "label": ngettext("%(n)s day", "%(n)s days", window) % {"n": window},
            "href": f"?days={window}#lifecycle",
            "current": window == days,
        }
        for window in WINDOWS
    ]
