"""Celery only wakes the counting up; which lists are to be counted lies in PostgreSQL."""

from functools import partial

from celery import shared_task
from django.db import transaction

from config.engine.clock import now
from entitlements.honours.operations import running


@shared_task(name="entitlements.honours.count_run")
def count_run(run_id: int) -> None:
    """Count the list of a run. Again, or twice at once, does no harm."""
    running.count_run(run_id=run_id, at=now())


@shared_task(name="entitlements.honours.count_waiting")
def count_waiting() -> None:
    """Take up the lists whose worker died."""
    running.count_waiting(at=now())


def wake_run(run_id: int) -> None:
    """Wake a worker for a list once the transaction is through; without a broker ``count_waiting`` finds it."""
    transaction.on_commit(partial(count_run.delay, run_id), robust=True)
