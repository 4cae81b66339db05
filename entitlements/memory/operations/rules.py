"""The restore rule: saved as a new version, and what it would restore."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from config.audit.record import audit
from config.staff.models import User
from entitlements.memory.models import EntitlementSnapshot, RestoreRule

FIELDS = (
    "mode", "younger_than_days", "restores_tier", "tier_days", "restores_unlocked", "restores_remaining",
    "restores_points", "on_purchase", "on_gift",
)  # fmt: skip


@dataclass(frozen=True)
class Effect:
    """Members who are away: all, those who would get something back by buying now, and those away for too long."""

    away: int
    restored: int
    too_old: int
    # How young is young enough; none where age does not count.
    days: int | None = None


def rule_in_force() -> RestoreRule:
    """The newest version; the migration made the first."""
    return RestoreRule.objects.latest("version")


@transaction.atomic
def save_rule(*, actor: User, at: datetime, **values: Any) -> RestoreRule:
    """Put a new version in force; members who have returned keep what they got. The same values change nothing."""
    if unknown := set(values) - set(FIELDS):
        raise TypeError(f"not a field of a restore rule: {', '.join(sorted(unknown))}")
    current = RestoreRule.objects.select_for_update().latest("version")
    before = {name: getattr(current, name) for name in FIELDS}
    changed = {name: [before[name], value] for name, value in values.items() if before[name] != value}
    if not changed:
        return current
    rule = RestoreRule.objects.create(version=current.version + 1, created_at=at, created_by=actor, **(before | values))
    audit(rule, "restore_rule.saved", actor=actor, at=at, version=rule.version, changes=changed)
    return rule


def effect_of(rule: RestoreRule, *, at: datetime) -> Effect:
    """What ``rule``, saved or not, would do if everybody who is away bought a membership at ``at``."""
    pending = EntitlementSnapshot.objects.pending()
    away = pending.count()
    if rule.mode == RestoreRule.Mode.NOTHING or not rule.on_purchase:
        return Effect(away, 0, 0)
    days = rule.younger_than_days if rule.mode == RestoreRule.Mode.YOUNGER else None
    restored = pending.young_enough(at, days).count()
    return Effect(away, restored, away - restored, days)
