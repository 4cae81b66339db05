from celery import shared_task

from config.engine.clock import now
from entitlements.checks.operations import checking


@shared_task(name="entitlements.check_invariants")
def check_invariants() -> None:
    """Look whether benefits add up; what does not is on the first page until it does."""
    checking.check_invariants(at=now())
