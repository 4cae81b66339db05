from entitlements.benefits.models import Benefit, LadderVersion, Pack, PackBenefit, PlanBenefit, TierBenefit
from entitlements.grants.models import Balance, FactCursor, Grant, Lot, Standing
from entitlements.ladder.models import CellFigure
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
from entitlements.usage.models import UsageRecord

__all__ = [
    "Balance",
    "Benefit",
    "CellFigure",
    "FactCursor",
    "Grant",
    "LadderVersion",
    "Lot",
    "ManualTier",
    "Pack",
    "PackBenefit",
    "PlanBenefit",
    "QualificationPolicy",
    "Standing",
    "TierBenefit",
    "TierBrake",
    "TierChange",
    "TierCursor",
    "TierRule",
    "TierRung",
    "TierStanding",
    "UsageRecord",
]
