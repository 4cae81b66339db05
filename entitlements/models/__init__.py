from entitlements.tiers.models import (
    ManualTier,
    QualificationPolicy,
    TierBrake,
    TierChange,
    TierCursor,
    TierRule,
    TierRung,
    TierStanding,
)

__all__ = [
    "ManualTier",
    "QualificationPolicy",
    "TierBrake",
    "TierChange",
    "TierCursor",
    "TierRule",
    "TierRung",
    "TierStanding",
]
