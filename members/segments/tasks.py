"""Celery only wakes the refresh up; who is in which segment lies in PostgreSQL."""

from functools import partial

from celery import shared_task
from django.db import transaction

from config.engine.clock import now
from members.segments.operations import refreshing, uploading


@shared_task(name="members.segments.refresh_segment")
def refresh_segment(segment_id: int) -> None:
    """Bring one segment up to date, as after it was saved. Again, or twice at once, does no harm."""
    refreshing.refresh_segment(segment_id=segment_id, at=now())


@shared_task(name="members.segments.refresh_segments")
def refresh_segments() -> None:
    """Bring every dynamic segment up to date: within a minute of the facts."""
    refreshing.refresh_all(at=now())


@shared_task(name="members.segments.match_upload")
def match_upload(upload_id: int) -> None:
    """Look up who is on a list. Again, or twice at once, does no harm."""
    uploading.match_upload(upload_id=upload_id, at=now())


@shared_task(name="members.segments.tend_uploads")
def tend_uploads() -> None:
    """Take up the lists whose worker died or was never woken, and forget old ones."""
    uploading.match_waiting(at=now())
    uploading.forget_uploads(at=now())


def wake_upload(upload_id: int) -> None:
    """Wake a worker for a list once the transaction is through; without a broker ``tend_uploads`` finds it."""
    transaction.on_commit(partial(match_upload.delay, upload_id), robust=True)
