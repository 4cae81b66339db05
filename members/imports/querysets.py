from datetime import datetime
from typing import Any

from django.db import connection, models

# One advisory lock class for import runs: held while a worker is at a run, freed by PostgreSQL when it dies.
LOCK_CLASS = 0x1A90

# The one table of moves of a run's status; ``advance`` refuses any other.
MOVES: frozenset[tuple[str, str]] = frozenset(
    {
        ("uploaded", "checking"),
        ("uploaded", "failed"),
        ("uploaded", "discarded"),
        ("checking", "checked"),
        ("checking", "failed"),
        ("checked", "uploaded"),
        ("checked", "checking"),
        ("checked", "applying"),
        ("checked", "discarded"),
        ("applying", "settling"),
        ("applying", "checking"),
        ("applying", "failed"),
        ("settling", "done"),
        ("failed", "uploaded"),
        ("failed", "checking"),
        ("failed", "discarded"),
        ("done", "undoing"),
        ("undoing", "undone"),
        ("undoing", "done"),
    }
)

WORKING = ("checking", "applying", "settling", "undoing")


class ImportRunQuerySet(models.QuerySet):
    def working(self) -> "ImportRunQuerySet":
        """Runs that a worker is at, or should be."""
        return self.filter(status__in=WORKING)

    def needing_attention(self) -> "ImportRunQuerySet":
        """Runs that wait for a person: failed ones, and checked ones not yet confirmed."""
        return self.filter(status__in=("failed", "checked"))

    def written_with(self, sha256: str) -> "ImportRunQuerySet":
        """Runs that wrote the file with this content and were not undone."""
        return self.filter(sha256=sha256, status__in=("settling", "done")).order_by("-pk")

    def advance(self, pk: int, source: str, target: str, **changes: Any) -> bool:
        """Move a run's status if it still stands at ``source``; returns whether it did (compare-and-swap)."""
        if (source, target) not in MOVES:
            raise ValueError(f"an import run never goes from {source} to {target}")
        return self.filter(pk=pk, status=source).update(status=target, **changes) == 1

    def report_progress(self, pk: int, *, step: str, done: int, total: int) -> None:
        self.filter(pk=pk).update(step=step, progress_done=done, progress_total=total)

    def seize(self, pk: int) -> bool:
        """Take the run for this connection; False when another worker is at it. Freed by ``release`` or death."""
        return bool(_scalar("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, pk]))

    def release(self, pk: int) -> None:
        _scalar("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, pk])

    def abandoned(self) -> list[int]:
        """Working runs that no live connection holds: their worker died or never started."""
        candidates = list(self.working().order_by("pk").values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted",
                [LOCK_CLASS],
            )
            held = {row[0] for row in cursor.fetchall()}
        return [pk for pk in candidates if pk not in held]

    def stale_drafts(self, before: datetime) -> "ImportRunQuerySet":
        """Uploads nobody went on with since ``before``."""
        return self.filter(status__in=("uploaded", "checked", "failed"), created_at__lt=before)


def _scalar(statement: str, params: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone()[0]
