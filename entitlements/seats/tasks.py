"""Celery only wakes the pass up; what differs is found in PostgreSQL."""

from celery import shared_task

from config.engine.clock import now
from entitlements.seats.operations import seating


@shared_task(name="entitlements.seats.follow_seats")
def follow_seats() -> None:
    """Bring seats in line with the terms of their owners."""
    seating.follow_seats(at=now())
