from entitlements.benefits.models import Benefit, LadderVersion, Pack, PackBenefit, PlanBenefit, TierBenefit
from entitlements.checks.models import Offence
from entitlements.grants.models import Balance, FactCursor, Grant, Lot, Standing
from entitlements.memory.models import EntitlementSnapshot, RenewalLock, RestoreRule
from entitlements.usage.models import UsageRecord

__all__ = [
    "Balance",
    "Benefit",
    "EntitlementSnapshot",
    "FactCursor",
    "Grant",
    "LadderVersion",
    "Lot",
    "Offence",
    "Pack",
    "PackBenefit",
    "PlanBenefit",
    "RenewalLock",
    "RestoreRule",
    "Standing",
    "TierBenefit",
    "UsageRecord",
]
