"""Measuring: interleaved runs, medians, peak memory, and the line that is printed."""

import gc
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction

SQL_DIR = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Scene:
    """What a benchmark is told: how many members, and how many interleaved runs."""

    members: int
    runs: int


@dataclass(frozen=True)
class Pair:
    """Medians, in seconds, of the product's runs and of the bare runs between them."""

    ours_s: float
    bare_s: float


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interleaved(
    ours: Callable[[], object], bare: Callable[[], object], *, runs: int, restore: Callable[[], object]
) -> Pair:
    """Run ours, bare, ours, bare …; ``restore`` brings the database back before each, outside the timing."""
    taken: dict[Callable[[], object], list[float]] = {ours: [], bare: []}
    for _ in range(runs):
        for work in (ours, bare):
            restore()
            rest()
            taken[work].append(seconds(work))
    return Pair(statistics.median(taken[ours]), statistics.median(taken[bare]))


def rest() -> None:
    """Leave the database as quiet for this run as for any other: nothing dirty, no dead rows, fresh statistics."""
    gc.collect()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def sql(name: str) -> str:
    """The text of one file of ``sql/``."""
    return (SQL_DIR / f"{name}.sql").read_text()


def run_sql(name: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Run a file's statements in one transaction; returns the rows of the last."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Bound by the client: a file may hold several statements.
        cursor.execute(sql(name), params or {})
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


def reset_peak() -> None:
    """Begin measuring this process's peak memory anew (Linux: proc(5), clear_refs)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float:
    """This process's peak resident memory since it began or since ``reset_peak``."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def percentile(values: list[float], percent: float) -> float:
    """The value that ``percent`` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def line(
    name: str, scene: Scene, *, ours_s: float, limit_s: float | None, goal: str, met: bool, **more: Any
) -> dict[str, Any]:
    """One line of output. ``limit_s`` is the bare time, or the limit the goal names; ``ratio`` is ours by it."""
    printed: dict[str, Any] = {
        "name": name,
        "n": scene.members,
        "ours_s": _short(ours_s),
        "limit_s": _short(limit_s) if limit_s is not None else None,
        "ratio": _short(ours_s / limit_s) if limit_s else None,
        "goal": goal,
        "met": met,
        "peak_rss_mb": round(peak_mb(), 1),
    }
    return printed | {key: _short(value) if isinstance(value, float) else value for key, value in more.items()}


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def to_json(printed: Mapping[str, Any]) -> str:
    return json.dumps(printed, ensure_ascii=False)
