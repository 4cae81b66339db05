"""What the rules of coupons look at: plans as they are sold, and a member as a buyer."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from config.engine.money import project_currency
from entitlements.offers import points
from entitlements.offers.models import Coupon
from entitlements.offers.rules import FIRST_PURCHASE, Buyer, Sold
from members.lifecycle.lifecycle import MembershipStatus
from members.lifecycle.models import MemberLifecycle
from members.people.rules import last_day, local_date
from members.plans.models import Plan
from members.terms.models import MembershipTerm

TRIAL = MembershipTerm.Kind.TRIAL


def sold_as(plan: Plan) -> Sold:
    return Sold(
        plan.pk, plan.tier_id, plan.price_cents, plan.trial_days,
        is_in_our_currency=plan.currency == project_currency(),
    )  # fmt: skip


def sold_plans() -> list[Sold]:
    """Every plan on sale."""
    return [sold_as(plan) for plan in Plan.objects.filter(is_sold=True)]


def buyer_of(member_id: int, at: datetime) -> Buyer:
    """The member's terms, grace and points at the instant; three queries."""
    row = MemberLifecycle.objects.get(pk=member_id)
    terms = list(MembershipTerm.objects.filter(member_id=member_id).not_voided())
    begun = [term for term in terms if term.effective_ends_at > term.starts_at]
    is_in_grace = row.membership_status == MembershipStatus.GRACE
    is_covered = any(term.effective_ends_at > at and term.kind != TRIAL for term in begun)
    door = points.opened()
    return Buyer(
        has_paid=any(term.kind == "paid" and not _is_refunded(term) for term in terms) or _had_first_price(terms),
        is_covered=is_covered,
        is_on_trial=any(term.kind == TRIAL and term.starts_at <= at < term.effective_ends_at for term in begun),
        is_in_grace=is_in_grace,
        days_away=None if is_covered or is_in_grace else _days_away(begun, at, row.time_zone),
        points=door.balance(member_id, at) if door else None,
    )


def _had_first_price(terms: Iterable[MembershipTerm]) -> bool:
    """Whether one of the terms was got for a first-purchase price; for a price of nothing it counts as a gift."""
    gifts = [term.pk for term in terms if term.kind == MembershipTerm.Kind.GIFT]
    return Coupon.objects.filter(term__in=gifts, offer__kind=FIRST_PURCHASE).exists()


def _is_refunded(term: MembershipTerm) -> bool:
    return term.refunded_at is not None


def _days_away(terms: Iterable[MembershipTerm], at: datetime, zone: str) -> int | None:
    """Local days since the last day of cover other than a trial; None for who never had any."""
    ends = [term.effective_ends_at for term in terms if term.kind != TRIAL and term.effective_ends_at <= at]
    if not ends:
        return None
    zone = zone or settings.PROJECT_TIME_ZONE
    return (local_date(at, zone) - last_day(max(ends), zone)).days
