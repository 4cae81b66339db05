"""Celery only wakes it up."""

from celery import shared_task

from config.engine.clock import now
from members.foreseen import operations


@shared_task(name="members.foreseen.forget_changes")
def forget_changes() -> None:
    """Delete the lists of decided versions. Again, or twice at once, does no harm."""
    operations.forget_changes(at=now())
