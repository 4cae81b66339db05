"""The base of the benchmarks: members by generated SQL, their states by the engine's own first sweep."""

from datetime import datetime, timedelta

from django.db import connection

from members.events.models import Event
from members.events.querysets.events import ensure_partitions
from members.lifecycle.operations.sweep import sweep
from members.people.models import Member
from tests.bench.measuring import rest, run_sql


def fill(*, members: int, at: datetime) -> None:
    """Make ``members`` members around the instant ``at`` and let the engine place them."""
    run_sql("base", {"n": members, "at": at})
    rest()
    sweep(at=at)
    rest()


def fill_events() -> None:
    """Give the members of the base ten events each, over the ninety days before it was made; once."""
    if Event.objects.exists():
        return
    at = made_at()
    ensure_partitions((at - timedelta(days=92)).date(), (at + timedelta(days=32)).date())
    run_sql("events", {"n": Member.objects.count(), "at": at})
    rest()


def made_at() -> datetime:
    """The instant the base was made around."""
    return Member.objects.latest("created_at").created_at


def execute(statement: str, params: dict | None = None) -> None:
    """One statement of a benchmark's own housekeeping, outside any timing."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
