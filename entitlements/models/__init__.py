from entitlements.codes.models import CodePool, PartnerCode
from entitlements.offers.models import Coupon, IssueRun, Offer, OfferBudget, RedeemCall

__all__ = [
    "CodePool",
    "Coupon",
    "IssueRun",
    "Offer",
    "OfferBudget",
    "PartnerCode",
    "RedeemCall",
]
