"""Celery only wakes the work up; what is due lies in PostgreSQL."""

from celery import shared_task

from config.engine.clock import now
from config.engine.reviewed.operations import REVIEWED


@shared_task(name="engine.activate_versions")
def activate_versions() -> None:
    """Put approved versions of settings in force on their day."""
    for review in REVIEWED:
        review.activate_due(at=now())
