"""Celery only wakes the reading of events up; what was read lies in PostgreSQL."""

from celery import shared_task

from config.staff.clock import now
from entitlements.usage.operations.reporting import use_reported


@shared_task(name="entitlements.use_reported")
def use_reported_benefits() -> None:
    """Use benefits as the events since the last tick say."""
    use_reported(at=now())
