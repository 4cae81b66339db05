"""Figures about members, each one set-based statement; what the first page and the lists' tabs show.

Those that read the whole base are kept for a few seconds, so that a page opened by everybody costs one reading.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

from django.core.cache import cache
from django.db.models import Count

from members.lifecycle.lifecycle import RESUMABLE, State
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.people.models import Member

SECONDS_KEPT = 5
FLOW_SECONDS_KEPT = 60
EXPIRY_DAYS = 7


@dataclass(frozen=True)
class ExpiryDay:
    """Members whose cover ends on one local date, by whether it renews by itself."""

    day: date
    manual: int = 0
    automatic: int = 0

    @property
    def total(self) -> int:
        return self.manual + self.automatic


def members_by_state() -> dict[str, int]:
    """How many members are in each of the eight states."""

    def read() -> dict[str, int]:
        rows = MemberLifecycle.objects.placed().values_list("lifecycle_state").annotate(n=Count("pk")).order_by()
        counts = dict(rows)
        return {state: counts.get(state, 0) for state in State.values}

    return cast("dict[str, int]", cache.get_or_set("members:by_state", read, SECONDS_KEPT))


def moves_since(start: datetime, *, key: str) -> Counter[tuple[str | None, str]]:
    """Lifecycle moves since ``start`` by (from, to), first placements under None; ``key`` names the window."""

    def read() -> Counter[tuple[str | None, str]]:
        rows = LifecycleTransition.objects.filter(effective_at__gte=start, member__merged_into=None).order_by()
        counted = rows.values_list("from_state", "to_state").annotate(n=Count("pk"))
        return Counter({(source, target): n for source, target, n in counted})

    kept = cache.get_or_set(f"members:moves:{key}", read, FLOW_SECONDS_KEPT)
    return cast("Counter[tuple[str | None, str]]", kept)


@dataclass(frozen=True)
class Movers:
    """How many members moved, each counted once however often they did: by (from, to), and back to a live term."""

    between: Counter[tuple[str, str]]
    back: Counter[str]


def movers_since(start: datetime, *, key: str) -> Movers:
    """The members behind the moves since ``start``, as the members list finds them; ``key`` names the window."""

    def read() -> Movers:
        moves = LifecycleTransition.objects.moves().filter(effective_at__gte=start, member__merged_into=None)
        members = Count("member", distinct=True)
        between = moves.order_by().values_list("from_state", "to_state").annotate(n=members)
        back = moves.filter(to_state__in=RESUMABLE).order_by().values_list("from_state").annotate(n=members)
        return Movers(Counter({(source, target): n for source, target, n in between}), Counter(dict(back)))

    return cast("Movers", cache.get_or_set(f"members:movers:{key}", read, FLOW_SECONDS_KEPT))


def expiring_by_day(today: date, days: int) -> list[ExpiryDay]:
    """For ``today`` and each of the ``days`` local dates after it: members whose last day it is."""

    def read() -> list[ExpiryDay]:
        last = today + timedelta(days=days)
        counts = {
            (row["day"], row["is_automatic"]): row["members"] for row in Member.objects.counted_by_expiry(today, last)
        }
        every = (today + timedelta(days=n) for n in range(days + 1))
        return [ExpiryDay(day, counts.get((day, False), 0), counts.get((day, True), 0)) for day in every]

    kept = cache.get_or_set(f"members:expiring:{today}:{days}", read, SECONDS_KEPT)
    return cast("list[ExpiryDay]", kept)


def anomalies() -> int:
    """Members whose computed state no declared edge reaches."""
    kept = cache.get_or_set("members:anomalies", MemberLifecycle.objects.anomalous().count, SECONDS_KEPT)
    return cast("int", kept)
