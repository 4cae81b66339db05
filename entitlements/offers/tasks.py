"""Celery only wakes the work up; what is issued, expired or to be given back lies in PostgreSQL."""

from functools import partial

from celery import shared_task
from django.db import transaction

from config.engine.clock import now
from entitlements.offers.operations import calls, issuing


@shared_task(name="entitlements.offers.work_run")
def work_run(run_id: int) -> None:
    """Issue what is left of a run. Again, or twice at once, does no harm."""
    issuing.work_run(run_id=run_id, at=now())


@shared_task(name="entitlements.offers.tend_offers")
def tend_offers() -> None:
    """Take up runs whose worker died, expire coupons, and give back those of refunded terms."""
    at = now()
    issuing.work_waiting(at=at)
    issuing.give_back_refunded(at=at)
    issuing.expire_due(at=at)
    calls.forget_calls(at=at)


def wake_run(run_id: int) -> None:
    """Wake a worker for a run once the transaction is through; without a broker ``tend_offers`` finds it."""
    transaction.on_commit(partial(work_run.delay, run_id), robust=True)
