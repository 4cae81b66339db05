"""Celery only wakes the assessment up; what is due lies in PostgreSQL."""

from celery import shared_task

from config.engine.clock import now
from entitlements.tiers.operations import assessing, policies


@shared_task(name="entitlements.tiers.assess")
def assess() -> None:
    """Assess who is due, and carry out what a person approved. Again, or twice at once, does no harm."""
    assessing.assess(at=now())


@shared_task(name="entitlements.tiers.look_at_everybody")
def look_at_everybody() -> None:
    """Each night: also what no log tells of."""
    assessing.assess_everybody(at=now())


@shared_task(name="entitlements.tiers.preview_policy")
def preview_policy(policy_id: int) -> None:
    """Work out who would move under a draft; the page asks until it is there."""
    policies.REVIEW.look_ahead(policy_id, at=now())
