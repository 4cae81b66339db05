"""Celery only wakes the work up; pairs and merges lie in PostgreSQL."""

from celery import shared_task

from config.engine.clock import now
from members.merging.operations import finding, merging


@shared_task(name="members.merging.find_duplicates")
def find_duplicates() -> None:
    """Look through everybody for likely duplicates: every night, and when somebody asks."""
    finding.find_duplicates(at=now())


@shared_task(name="members.merging.gather_strays")
def gather_strays() -> None:
    """Bring along what was on its way to a member while she was being merged."""
    merging.gather_strays(at=now())
