"""Celery only wakes the work up; what was used lies in PostgreSQL."""

from celery import shared_task

from config.staff.clock import now
from entitlements.usage.operations import rates


@shared_task(name="entitlements.refresh_rates")
def refresh_rates() -> None:
    """Bring the members' usage rate up to date with what they used."""
    rates.refresh_rates(at=now())
