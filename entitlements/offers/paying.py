"""Coupons where terms are booked: what a member holds, and one spent on a purchase."""

from datetime import datetime

from config.engine.naming import name_of
from config.engine.refusal import Refused, refusal_text
from config.engine.words import REFUSALS as ENGINE_REFUSALS
from config.staff.models import User
from entitlements.offers.models import Coupon
from entitlements.offers.operations.redeeming import held_quotes, redeem_coupon
from entitlements.offers.rules import Quote
from entitlements.offers.words import REFUSALS, refusal_with_amounts
from members.plans.models import Plan
from members.terms.coupons import KEEPERS, CouponKeeper, HeldCoupon
from members.terms.models import MembershipTerm
from members.terms.orders import house_order
from members.terms.words import REFUSALS as TERM_REFUSALS


def register() -> None:
    """Called once, when the app is ready."""
    KEEPERS.register(CouponKeeper(held, buy, refusal_words))


def held(member_id: int, plan: Plan, at: datetime) -> list[HeldCoupon]:
    """The member's unused coupons for a price, those that apply to the plan first, the dearest last."""
    found = [_held(coupon, quote) for coupon, quote in held_quotes(member_id=member_id, plan=plan, at=at)]
    return sorted(found, key=lambda one: (bool(one.refusal), one.total_cents, one.expires_at, one.pk))


def buy(
    *,
    member_id: int,
    coupon_id: int,
    plan: Plan,
    external_ref: str | None,
    starts_at: datetime | None,
    auto_renewal: bool | None,
    at: datetime,
    actor: User | None,
) -> MembershipTerm:
    """Redeem a coupon of the member for the plan; returns the term it bought. Raises Refused."""
    coupon = Coupon.objects.filter(pk=coupon_id, member_id=member_id).first()
    if coupon is None:
        raise Refused("unknown")
    redeemed = redeem_coupon(
        member_id=member_id,
        code=coupon.code,
        plan=plan,
        order_ref=external_ref or own_number(coupon, at),
        starts_at=starts_at,
        auto_renewal=auto_renewal,
        at=at,
        actor=actor,
    )
    assert redeemed.term is not None
    return redeemed.term


def own_number(coupon: Coupon, at: datetime) -> str:
    """The number of an order that was given none; a coupon that came back with a refund is redeemed by another."""
    return house_order("coupon", coupon.code, f"{at:%Y%m%dT%H%M}")


def refusal_words(refused: Refused) -> str:
    """Why a coupon buys nothing; where the term itself cannot be booked, why not."""
    why = refused.detail.get("why", "")
    if why in TERM_REFUSALS:
        return str(TERM_REFUSALS[why])
    return refusal_with_amounts(refused) if refused.code in REFUSALS else refusal_text(refused, ENGINE_REFUSALS)


def _held(coupon: Coupon, quote: Quote) -> HeldCoupon:
    return HeldCoupon(
        pk=coupon.pk,
        name=name_of(coupon.offer),
        expires_at=coupon.expires_at,
        total_cents=quote.total_cents,
        days=quote.days,
        refusal=refusal_with_amounts(Refused(quote.refusal, **quote.detail)) if quote.refusal else "",
    )
