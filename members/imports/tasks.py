"""Celery only wakes the imports up; where a run stands lies in its row."""

from functools import partial

from celery import shared_task
from django.db import transaction

from config.engine.clock import now
from members.imports.models import ImportRun
from members.imports.operations.work import work


@shared_task(name="members.imports.work_on_import")
def work_on_import(run_id: int) -> None:
    """Carry one run on until it waits for a person. Again, or twice at once, does no harm."""
    work(run_id=run_id, at=now())


@shared_task(name="members.imports.rescue_imports")
def rescue_imports() -> None:
    """Take up the runs whose worker died or was never woken."""
    for run_id in ImportRun.objects.abandoned():
        work(run_id=run_id, at=now())


def wake(run_id: int) -> None:
    """Wake a worker for a run once the transaction is through; without a broker the rescue finds the run."""
    transaction.on_commit(partial(work_on_import.delay, run_id), robust=True)
