"""A real Celery worker, or one with a guard taken out, to see each harness fail without it.

``python -m tests.faults.worker [--without GUARD]``. The product has no such switch; guards are replaced from outside.
"""

import argparse
from typing import Any

from config.celery import app


def without_wire_commit() -> None:
    """Messages go to the server without "on the wire" having been written down first."""
    from campaigns.operations import delivery

    real = delivery.confirm_and_start

    def unguarded(*, start: int | None, confirm: tuple[int, str] | None, **values: Any) -> bool:
        if start is not None:
            if confirm:
                # What was never put on the wire is put there and confirmed once it has been accepted.
                real(start=confirm[0], confirm=None, **values)
                real(start=None, confirm=confirm, **values)
            return True
        if confirm:
            real(start=confirm[0], confirm=None, **values)
        return real(start=None, confirm=confirm, **values)

    delivery.confirm_and_start = unguarded


def without_unknown() -> None:
    """A lease that dies on the wire is sent again, as one that died before it."""
    from campaigns.querysets.messages import MessageIntentQuerySet

    def reclaim(self: MessageIntentQuerySet, at: Any) -> tuple[int, int]:
        dead = self.dead_leases(at)
        return dead.update(status="pending", claimed_by="", lease_until=None, on_wire_at=None), 0

    MessageIntentQuerySet.reclaim = reclaim


def without_uniqueness() -> None:
    """Planning neither looks for what is planned nor is stopped by the constraints, which are dropped."""
    from django.db import connection

    from campaigns.querysets import campaigns

    planned = campaigns.plan_sql
    sql = planned("term_end")
    start, end = sql.index("    AND NOT EXISTS ("), sql.index("  ORDER BY member_id\n")
    sql = sql[:start] + sql[end:]
    start, end = sql.index("  ON CONFLICT (member_id"), sql.index("  RETURNING e.member_id")
    sql = sql[:start] + sql[end:].replace("old.id IS NULL AS is_new", "true AS is_new", 1)
    campaigns.plan_sql = lambda trigger: sql if trigger == "term_end" else planned(trigger)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE campaigns_enrollment DROP CONSTRAINT IF EXISTS enrollment_once")
        cursor.execute("ALTER TABLE campaigns_messageintent DROP CONSTRAINT IF EXISTS message_once")
    connection.close()


def without_reclaim() -> None:
    """Nobody takes back what a dead worker held."""
    from campaigns.operations import delivery

    delivery.reclaim = lambda *, at: (0, 0, 0)


def without_patience() -> None:
    """A worker forgets what it knows when the database is away."""
    from campaigns.operations import email

    email.DATABASE_PATIENCE_SECONDS = -1.0


GUARDS = {
    "wire_commit": without_wire_commit,
    "unknown": without_unknown,
    "uniqueness": without_uniqueness,
    "reclaim": without_reclaim,
    "patience": without_patience,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--without", choices=sorted(GUARDS))
    parser.add_argument("--name", default="w")
    options = parser.parse_args()
    if options.without:
        import django

        django.setup()
        GUARDS[options.without]()
    app.worker_main(
        ["worker", "--concurrency", "2", "--loglevel", "WARNING", "-n", f"{options.name}@%h", "--without-gossip",
         "--without-mingle"]
    )  # fmt: skip


if __name__ == "__main__":
    main()
