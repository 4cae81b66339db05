"""Celery only wakes the refresh up; who is in which segment lies in PostgreSQL."""

from celery import shared_task

from config.staff.clock import now
from members.segments.operations import refreshing


@shared_task(name="members.segments.refresh_segment")
def refresh_segment(segment_id: int) -> None:
    """Bring one segment up to date, as after it was saved. Again, or twice at once, does no harm."""
    refreshing.refresh_segment(segment_id=segment_id, at=now())


@shared_task(name="members.segments.refresh_segments")
def refresh_segments() -> None:
    """Bring every dynamic segment up to date: within a minute of the facts."""
    refreshing.refresh_all(at=now())
