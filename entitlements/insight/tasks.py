"""The figures of benefits are counted in the background; the pages say as of when they are."""

from celery import shared_task

from config.engine.clock import now
from entitlements.insight.operations import counting


@shared_task(name="entitlements.count_figures")
def count_benefit_figures() -> None:
    """Count the figures of all benefits anew when the last count is an hour old. Again, or twice at once, no harm."""
    counting.count_due(at=now())
