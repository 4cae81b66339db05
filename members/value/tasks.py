"""Celery only wakes the refresh up; what was asked for lies in PostgreSQL."""

from celery import shared_task

from config.engine.clock import now
from members.value.operations import refreshing


@shared_task(name="members.value.refresh_due")
def refresh_due() -> None:
    """Score everybody anew when somebody asked or a night has passed. Again, or twice at once, does no harm."""
    refreshing.refresh_due(at=now())
