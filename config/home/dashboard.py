"""What the first page says, composed from every app's figures. Each number carries the address of what it counts."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.lifecycle import DOT_OF
from campaigns.lifecycle import Status as MessageStatus
from campaigns.models import MessageIntent
from config.console.work import Text, WorkItem
from config.home.navigation import href_of
from members.imports.models import ImportRun
from members.lifecycle import metrics
from members.lifecycle.lifecycle import RESUMABLE, State
from members.lifecycle.metrics import EXPIRY_DAYS
from members.people.console.filters import LIVE
from members.people.console.links import members_list as members_url

WINDOWS = (7, 30, 90)
CHART_HEIGHT = 110
CHART_TOP = 16


def running_jobs() -> list[ImportRun]:
    """Imports that a worker is at."""
    return list(ImportRun.objects.working().order_by("created_at")[:10])


@dataclass(frozen=True)
class StatusCount:
    status: str
    label: Text
    count: int
    href: str
    dot: str


def messages_today(at: datetime) -> list[StatusCount]:
    """Messages due on the viewer's present day by status, each with its list; nothing while there is no such page."""
    page = href_of("campaigns:messages")
    if not page:
        return []
    start = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    counts: Any = cache.get_or_set(
        f"console:messages:{start.isoformat()}",
        MessageIntent.objects.due_between(start, start + timedelta(days=1)).counts_by_status,
        metrics.SECONDS_KEPT,
    )
    day = f"{start:%Y-%m-%d}"
    return [
        StatusCount(
            status.value,
            status.label,
            counts[status.value],
            f"{page}?{urlencode({'status': status.value, 'from': day, 'to': day})}",
            DOT_OF[status],
        )
        for status in MessageStatus
        if counts[status.value]
    ]


def greeting(items: list[WorkItem]) -> str:
    if not items:
        return _("Nothing waits for you")
    return ngettext("%(n)s thing waits for you", "%(n)s things wait for you", len(items)) % {"n": len(items)}


@dataclass(frozen=True)
class Lifecycle:
    """The eight states as a flow, with the moves of the last ``days`` days."""

    days: int
    total: int
    nodes: list[dict[str, Any]]
    back: dict[str, dict[str, Any]]
    moves: list[dict[str, Any]]


def lifecycle(at: datetime, days: int) -> Lifecycle:
    counts = metrics.members_by_state()
    moves = metrics.moves_since(at - timedelta(days=days), key=f"{days}d")
    return Lifecycle(
        days=days,
        total=sum(counts.values()),
        nodes=[_node(state, counts, moves, position) for position, state in enumerate(State.values)],
        back=_ways_back(moves, days),
        moves=[
            {"from": source, "to": target, "members": n, "href": members_url(moved=f"{source}.{target}.{days}")}
            for (source, target), n in moves.most_common()
            if source is not None
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
        "href": members_url(state=state),
        "delta": delta,
        "delta_kind": "" if delta == 0 else "up" if good else "down",
        "onward": moves[state, following] if following else None,
    }


def _ways_back(moves: Counter[tuple[str | None, str]], days: int) -> dict[str, dict[str, Any]]:
    back: dict[str, dict[str, Any]] = {}
    for name, source in (("renewed", State.EXPIRING), ("won_back", State.EXPIRED), ("returned", State.CHURNED)):
        count = sum(moves[source.value, target.value] for target in RESUMABLE)
        back[name] = {"count": count, "href": members_url(moved=f"{source.value}.{LIVE}.{days}")}
    widest = max((way["count"] for way in back.values()), default=0)
    for way in back.values():
        way["width"] = round(2 + 11 * way["count"] / widest, 1) if widest else 2
    return back


@dataclass(frozen=True)
class ExpiryBar:
    day: metrics.ExpiryDay
    label: str
    x: float
    width: float
    auto_y: float
    auto_height: float
    manual_y: float
    manual_height: float
    text_y: float
    href: str

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True)
class Expiry:
    """The coming days' expiries as bars in percent and pixels, with the totals behind them."""

    bars: list[ExpiryBar]
    manual: int
    automatic: int
    manual_href: str
    automatic_href: str

    @property
    def total(self) -> int:
        return self.manual + self.automatic


def expiry(at: datetime) -> Expiry:
    today = timezone.localtime(at).date()
    days = metrics.expiring_by_day(today, EXPIRY_DAYS)
    most = max(1, *(day.total for day in days))
    scale = (CHART_HEIGHT - CHART_TOP) / most
    pitch = 100 / len(days)
    bars = []
    for n, day in enumerate(days):
        low, high = round(day.automatic * scale, 1), round(day.manual * scale, 1)
        href = members_url(expires_from=day.day, expires_to=day.day, sort="expiry")
        label = _("today") if n == 0 else f"{day.day:%m-%d}"
        bars.append(
            ExpiryBar(
                day=day,
                label=label,
                x=round((n + 0.22) * pitch, 2),
                width=round(0.56 * pitch, 2),
                auto_y=CHART_HEIGHT - low,
                auto_height=low,
                manual_y=CHART_HEIGHT - low - high,
                manual_height=max(high - 1, 0) if low else high,
                text_y=CHART_HEIGHT - low - high - 5,
                href=href,
            )
        )
    return Expiry(
        bars=bars,
        manual=sum(day.manual for day in days),
        automatic=sum(day.automatic for day in days),
        manual_href=members_url(expires=EXPIRY_DAYS, auto="off", sort="expiry"),
        automatic_href=members_url(expires=EXPIRY_DAYS, auto="on", sort="expiry"),
    )


def window_options(days: int) -> list[dict[str, Any]]:
    """The windows of the lifecycle card as links, ``days`` current."""
    return [
        {
            "label": ngettext("%(n)s day", "%(n)s days", window) % {"n": window},
            "href": f"?days={window}#lifecycle",
            "current": window == days,
        }
        for window in WINDOWS
    ]
