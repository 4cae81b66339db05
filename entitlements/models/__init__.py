from entitlements.benefits.models import Benefit, LadderVersion, Pack, PackBenefit, PlanBenefit, TierBenefit
from entitlements.grants.models import Balance, FactCursor, Grant, Lot, Standing
from entitlements.insight.models import BenefitMonth, BenefitReach, FiguresRun
from entitlements.usage.models import UsageRecord

__all__ = [
    "Balance",
    "Benefit",
    "BenefitMonth",
    "BenefitReach",
    "FactCursor",
    "FiguresRun",
    "Grant",
    "LadderVersion",
    "Lot",
    "Pack",
    "PackBenefit",
    "PlanBenefit",
    "Standing",
    "TierBenefit",
    "UsageRecord",
]
