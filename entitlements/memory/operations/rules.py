"""The restore rule: its review, and what it would restore."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from config.engine.reviewed.operations import Review
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


def effect_of(rule: RestoreRule, *, at: datetime) -> Effect:
    """What ``rule``, saved or not, would do if everybody who is away bought a membership at ``at``."""
    pending = EntitlementSnapshot.objects.pending()
    away = pending.count()
    if rule.mode == RestoreRule.Mode.NOTHING or not rule.on_purchase:
        return Effect(away, 0, 0)
    days = rule.younger_than_days if rule.mode == RestoreRule.Mode.YOUNGER else None
    restored = pending.young_enough(at, days).count()
    return Effect(away, restored, away - restored, days)


class RestoreReview(Review[RestoreRule]):
    """The restore rule under review. Members who have returned keep what they got."""

    model = RestoreRule
    code = "restore_rule"
    columns = FIELDS

    def preview(self, version: RestoreRule, at: datetime) -> dict[str, Any]:
        return asdict(effect_of(version, at=at))


REVIEW = RestoreReview()
