"""Celery only wakes the refresh up; who carries which tag lies in PostgreSQL."""

from celery import shared_task

from config.engine.clock import now
from members.tags.operations import refreshing


@shared_task(name="members.tags.refresh_tag")
def refresh_tag(tag_id: int) -> None:
    """Bring one tag up to date, as after it was saved. Again, or twice at once, does no harm."""
    refreshing.refresh_tag(tag_id=tag_id, at=now())


@shared_task(name="members.tags.refresh_tags")
def refresh_tags() -> None:
    """Bring every tag up to date that is due: within a minute of the facts."""
    refreshing.refresh_due(at=now())
