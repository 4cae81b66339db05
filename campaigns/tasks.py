"""Celery only wakes delivery up; what is due lives in PostgreSQL. Every task may be lost, doubled or killed."""

import time

from celery import shared_task

from campaigns.operations import delivery, email, planning
from config.engine.clock import now

# A run shows what is due in batches and then makes room; the next tick goes on.
RUN_SECONDS = 5.0


@shared_task
def plan() -> None:
    """Plan every running campaign up to its horizon; with nothing new it costs one index range."""
    planning.plan(at=now())


@shared_task
def cancel() -> None:
    """Suppress what is pending for members whose trigger no longer holds."""
    planning.cancel(at=now())


@shared_task
def deliver_email() -> None:
    """Send due mail for a while. More of these than a channel has places return at once."""
    email.deliver_email(clock=now)


@shared_task
def show_in_app() -> None:
    """Show due in-app messages."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        judged, _shown = delivery.show_in_app(at=now())
        if not judged:
            return


@shared_task
def reclaim() -> None:
    """Take back what dead workers held, and expire what was never sent in time."""
    delivery.reclaim(at=now())
