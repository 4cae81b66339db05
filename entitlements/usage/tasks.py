"""Celery only wakes the work up; what was used, and what was read, lies in PostgreSQL."""

from celery import shared_task

from config.engine.clock import now
from entitlements.usage.operations import rates
from entitlements.usage.operations.reporting import use_reported


@shared_task(name="entitlements.refresh_rates")
def refresh_rates() -> None:
    """Bring the members' usage rate up to date with what they used."""
    rates.refresh_rates(at=now())


@shared_task(name="entitlements.use_reported")
def use_reported_benefits() -> None:
    """Use benefits as the events since the last tick say."""
    use_reported(at=now())
