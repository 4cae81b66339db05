from entitlements.benefits.models import Benefit, LadderVersion, Pack, PackBenefit, PlanBenefit, TierBenefit
from entitlements.checks.models import Offence
from entitlements.codes.models import CodePool, PartnerCode
from entitlements.grants.models import Balance, FactCursor, Grant, Lot, Standing
from entitlements.honours.models import Adornment, AdviserAssignment, Honour, HonourAward, HonourRun
from entitlements.insight.models import BenefitMonth, BenefitReach, FiguresRun
from entitlements.memory.models import EntitlementSnapshot, RenewalLock, RestoreRule
from entitlements.offers.models import Coupon, IssueRun, Offer, OfferBudget, RedeemCall
from entitlements.seats.models import Seat, SeatGroup, SeatPlan, SeatTerm
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
    "Adornment",
    "AdviserAssignment",
    "Balance",
    "Benefit",
    "BenefitMonth",
    "BenefitReach",
    "CodePool",
    "Coupon",
    "EntitlementSnapshot",
    "FactCursor",
    "FiguresRun",
    "Grant",
    "Honour",
    "HonourAward",
    "HonourRun",
    "IssueRun",
    "LadderVersion",
    "Lot",
    "ManualTier",
    "Offence",
    "Offer",
    "OfferBudget",
    "Pack",
    "PackBenefit",
    "PartnerCode",
    "PlanBenefit",
    "QualificationPolicy",
    "RedeemCall",
    "RenewalLock",
    "RestoreRule",
    "Seat",
    "SeatGroup",
    "SeatPlan",
    "SeatTerm",
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
