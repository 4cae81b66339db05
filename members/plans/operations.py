"""Plans and tiers: what is sold, and what it gives. A term keeps what it was bought as."""

from datetime import datetime
from typing import Any

from django.db import transaction

from config.audit.record import audit
from config.staff.models import User
from members.plans.grace import say_grace_changed
from members.plans.models import Plan, Tier

PLAN_FIELDS = (
    "code", "name", "name_zh", "tier", "duration_unit", "duration_count", "price_cents", "currency", "trial_days",
    "grace_days", "is_sold",
)  # fmt: skip
TIER_FIELDS = ("code", "name", "name_zh", "position", "grace_days")


@transaction.atomic
def save_plan(*, plan_id: int | None, actor: User, at: datetime, **values: Any) -> Plan:
    """Create a plan, or change the one with ``plan_id``; terms already booked stay as they are, but for the grace."""
    plan = Plan.objects.select_for_update().get(pk=plan_id) if plan_id else Plan()
    if "grace_days" in _save(plan, PLAN_FIELDS, values, actor=actor, at=at, noun="plan"):
        say_grace_changed(plan=plan, at=at)
    return plan


@transaction.atomic
def save_tier(*, tier_id: int | None, actor: User, at: datetime, **values: Any) -> Tier:
    """Create a tier, or change the one with ``tier_id``."""
    tier = Tier.objects.select_for_update().get(pk=tier_id) if tier_id else Tier()
    if "grace_days" in _save(tier, TIER_FIELDS, values, actor=actor, at=at, noun="tier"):
        say_grace_changed(tier=tier, at=at)
    return tier


def _save(
    row: Plan | Tier, fields: tuple[str, ...], values: dict[str, Any], *, actor: User, at: datetime, noun: str
) -> list[str]:
    """Write the row and its audit entry; returns the names of the fields that changed."""
    if unknown := set(values) - set(fields):
        raise TypeError(f"not a field of a {noun}: {', '.join(sorted(unknown))}")
    created = row.pk is None
    changed = sorted(name for name, value in values.items() if created or getattr(row, name) != value)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    audit(row, f"{noun}.saved", actor=actor, at=at, code=row.code, created=created, fields=changed)
    return changed
