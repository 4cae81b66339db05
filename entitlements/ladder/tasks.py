"""Celery only wakes the work up; versions and figures lie in PostgreSQL."""

from celery import shared_task

from config.engine.clock import now
from entitlements.ladder.operations import activate_due


@shared_task(name="entitlements.activate_ladder")
def activate_ladder() -> None:
    """Put an approved version in force on its day; the settling engine finds whom it touches due."""
    activate_due(at=now())
