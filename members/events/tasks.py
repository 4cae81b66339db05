"""Celery only wakes the ingest up; what waits lies in PostgreSQL."""

from celery import shared_task

from config.engine.clock import now
from members.events.operations import catalogue, parking, recording


@shared_task(name="members.events.replay_parked")
def replay_parked() -> None:
    """Take what was parked about members who appeared otherwise than one by one, as in an import."""
    parking.replay_waiting(at=now())


@shared_task(name="members.events.forget_parked")
def forget_parked() -> None:
    parking.forget_parked(at=now())


@shared_task(name="members.events.recount_activity")
def recount_activity() -> None:
    """Count active days anew where the meaning of an event changed. Again after a crash it does the rest."""
    catalogue.recount_activity(at=now())


@shared_task(name="members.events.prepare_partitions")
def prepare_partitions() -> None:
    """Make next months' partitions ahead of need."""
    recording.prepare_partitions(at=now())
