"""Celery only wakes the engine up; what is due lives in PostgreSQL."""

from celery import shared_task

from config.staff.clock import now
from members.operations import events, sweep


@shared_task
def sweep_due() -> None:
    """Judge everybody who is due. Runs every two seconds and whenever facts arrive; idle it costs under 5 ms."""
    sweep.sweep(at=now())


@shared_task
def run_approved_brake(brake_id: int) -> None:
    """Carry out a braked sweep that a person approved. Again after a crash it does the rest."""
    sweep.run_approved(brake_id=brake_id, at=now())


@shared_task
def prepare_partitions() -> None:
    """Make next months' event partitions ahead of need."""
    events.prepare_partitions(at=now())
