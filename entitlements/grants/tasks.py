"""Celery only wakes the engine up; who is due lies in PostgreSQL."""

from celery import shared_task

from config.engine.clock import now
from entitlements.grants.operations import settling


@shared_task(name="entitlements.settle_due")
def settle_due() -> None:
    """Settle everybody whose terms, ladder or usage period changed. Idle it reads two indexes."""
    settling.settle_due(at=now())


@shared_task(name="entitlements.adopt_members")
def adopt_members() -> None:
    """Find members nobody has looked at yet; the next tick settles them."""
    settling.adopt_members(at=now())
