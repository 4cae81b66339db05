"""What a coupon makes of a price, and what it buys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.offers import points, rules
from entitlements.offers.lifecycle import REDEEM, CouponStatus, OfferStatus
from entitlements.offers.models import Coupon, Offer, OfferBudget
from entitlements.offers.rules import Quote
from entitlements.offers.selling import buyer_of, sold_as, sold_plans
from members.lifecycle.models import MemberLifecycle
from members.plans.models import Plan
from members.terms.models import MembershipTerm
from members.terms.operations import terms as membership

RETURN_KINDS = (rules.RETURN_PACK, rules.LADDER)
# Of a member's coupons so many are looked at together.
MOST_HELD = 30


@dataclass(frozen=True)
class ReturnOffer:
    """What a member who is away is offered: the offer, and the step of its ladder she has reached."""

    offer: Offer
    step: rules.Step | None
    worth_cents: int


def quote(*, member_id: int, plan: Plan, coupon: Coupon | None, at: datetime) -> Quote:
    """What the member pays for the plan at ``at``, with or without a coupon of hers. Nothing is written."""
    if coupon is None:
        return Quote(plan.price_cents)
    return quotes(member_id=member_id, plans=[plan], coupon=coupon, at=at)[0]


def quotes(*, member_id: int, plans: Sequence[Plan], coupon: Coupon, at: datetime) -> list[Quote]:
    """What the member pays for each of the plans at ``at`` with a coupon of hers. Nothing is written."""
    buyer = buyer_of(member_id, at)
    return [_quoted(coupon, sold_as(plan), buyer, at) for plan in plans]


def held_quotes(*, member_id: int, plan: Plan, at: datetime) -> list[tuple[Coupon, Quote]]:
    """What the member pays for the plan at ``at`` with each unused coupon that is for a price. Nothing is written.

    At most ``MOST_HELD``, those that end first.
    """
    unused = Coupon.objects.filter(member_id=member_id).unused(at).exclude(offer__kind=rules.TRIAL)
    coupons = list(unused.select_related("offer").order_by("expires_at", "pk")[:MOST_HELD])
    if not coupons:
        return []
    buyer, sold = buyer_of(member_id, at), sold_as(plan)
    return [(coupon, _quoted(coupon, sold, buyer, at)) for coupon in coupons]


def fitting_no_more(*, member_id: int, at: datetime) -> list[Coupon]:
    """The member's unused coupons for a price that lower it of no plan on sale."""
    unused = Coupon.objects.filter(member_id=member_id).unused(at).exclude(offer__kind=rules.TRIAL)
    coupons = list(unused.select_related("offer").order_by("expires_at", "pk")[:MOST_HELD])
    if not coupons:
        return []
    buyer, plans = buyer_of(member_id, at), sold_plans()
    return [one for one in coupons if all(_quoted(one, sold, buyer, at).refusal for sold in plans)]


def why_not(coupon: Coupon, at: datetime) -> str:
    """Why the coupon cannot be redeemed at all at ``at``; empty when it can."""
    if coupon.status != CouponStatus.ISSUED:
        return str(coupon.status)
    if coupon.expires_at <= at:
        return CouponStatus.EXPIRED.value
    if coupon.valid_from > at:
        return "not_yet"
    return "offer_paused" if coupon.offer.status == OfferStatus.PAUSED else ""


def coupon_of(member_id: int, code: str) -> Coupon:
    """The member's coupon with this code, in whatever case. Raises Refused for anybody else's."""
    coupons = Coupon.objects.select_related("offer")
    coupon = coupons.filter(code=code.strip().upper(), member_id=member_id).first()
    if coupon is None:
        raise Refused("unknown")
    return coupon


@transaction.atomic
def redeem_coupon(
    *,
    member_id: int,
    code: str,
    plan: Plan,
    order_ref: str,
    at: datetime,
    actor: User | None,
    starts_at: datetime | None = None,
    auto_renewal: bool | None = None,
) -> Coupon:
    """Book the plan at the price the coupon gives, and return the coupon redeemed, all or nothing.

    ``starts_at`` and ``auto_renewal`` as of a purchase; a gift takes no day, Refused ``gift_has_no_day``.
    A price of nothing is a gift; a trial extension starts the trial where there is none and adds its days. The same
    ``order_ref`` again returns the same coupon; another one is refused, and so is the same one with another plan.
    Raises Refused. Safe to run concurrently: the member's lifecycle row is locked first, then the coupon, then the
    budget.
    """
    if not MemberLifecycle.objects.select_for_update().filter(pk=member_id).exists():
        raise Refused("member_gone")
    pk = coupon_of(member_id, code).pk
    coupon = Coupon.objects.select_for_update(of=("self",)).select_related("offer").get(pk=pk)
    if coupon.status == CouponStatus.REDEEMED and coupon.order_ref == order_ref:
        if coupon.plan_code != plan.code:
            raise Refused("order_of_other_plan")
        return coupon
    taken = MembershipTerm.objects.not_voided().filter(external_ref=order_ref).exists()
    if taken or Coupon.objects.filter(order_ref=order_ref).exists():
        raise Refused("order_taken")
    found = quote(member_id=member_id, plan=plan, coupon=coupon, at=at)
    if found.refusal:
        raise Refused(found.refusal, **found.detail)
    if not found.total_cents and membership.ahead(starts_at, at):
        raise Refused("gift_has_no_day")
    _spend(coupon, found, member_id, at)
    try:
        term = _booked(coupon, found, member_id, plan, order_ref, at, actor, starts_at, auto_renewal)
    except Refused as refused:
        raise Refused("not_bookable", why=refused.code) from None
    changes = {"term": term, "order_ref": order_ref, "plan_code": plan.code, "discount_cents": found.discount_cents}
    if not Coupon.objects.filter(pk=coupon.pk).apply(REDEEM, finished_at=at, **changes):
        raise Refused("not_unused")
    audit(
        coupon,
        "coupon.redeemed",
        actor=actor,
        at=at,
        offer=coupon.offer.code,
        plan=plan.code,
        discount_cents=found.discount_cents,
        term=term.pk,
    )
    return Coupon.objects.select_related("offer", "term").get(pk=coupon.pk)


def offer_for(*, member_id: int, at: datetime) -> ReturnOffer | None:
    """What to offer a member who is away: of the active return packs and ladders the one worth most to her.

    A ladder counts by the step she has reached by the days since her last cover ended. None for who is not away.
    """
    buyer = buyer_of(member_id, at)
    if buyer.days_away is None:
        return None
    plans = sold_plans()
    found = [
        ReturnOffer(offer, rules.step_at(offer.promise.steps, buyer.days_away), worth)
        for offer in Offer.objects.issuable(at).of_kinds(RETURN_KINDS).order_by("pk")
        if (worth := _worth(offer.promise, plans, buyer)) is not None
    ]
    return max(found, key=lambda one: one.worth_cents, default=None)


def _worth(terms: rules.Terms, plans: list[rules.Sold], buyer: rules.Buyer) -> int | None:
    """The most the terms take off any plan for her now; None where they apply to none."""
    quotes = [rules.quote(terms, sold, buyer) for sold in plans]
    return max((one.discount_cents for one in quotes if not one.refusal), default=None)


def _quoted(coupon: Coupon, sold: rules.Sold, buyer: rules.Buyer, at: datetime) -> Quote:
    """What a plan costs a buyer with the coupon, or why the coupon does not apply."""
    if refusal := why_not(coupon, at):
        return Quote(sold.price_cents, refusal=refusal)
    return rules.quote(coupon.promise, sold, buyer)


def _spend(coupon: Coupon, found: Quote, member_id: int, at: datetime) -> None:
    """Take the discount from the budget, and the points from her account."""
    fits = Q(budget_cents__isnull=True) | Q(budget_cents__gte=F("spent_cents") + found.discount_cents)
    budget = OfferBudget.objects.filter(fits, pk=coupon.offer_id)
    if not budget.update(redeemed=F("redeemed") + 1, spent_cents=F("spent_cents") + found.discount_cents):
        raise Refused("budget_spent")
    door = points.opened()
    if found.points and door:
        try:
            door.spend(member_id, found.points, at, f"coupon:{coupon.pk}")
        except points.PointsShort:
            raise Refused("no_points") from None


def _booked(
    coupon: Coupon,
    found: Quote,
    member_id: int,
    plan: Plan,
    order_ref: str,
    at: datetime,
    actor: User | None,
    starts_at: datetime | None,
    auto_renewal: bool | None,
) -> MembershipTerm:
    """The term the coupon buys; days it adds stand behind it."""
    if coupon.promise.kind == rules.TRIAL:
        if not buyer_of(member_id, at).is_on_trial:
            membership.start_trial(member_id=member_id, plan=plan, at=at, actor=actor)
        return _extended(coupon, found, member_id, at, actor)
    if found.total_cents:
        term = membership.purchase(
            member_id=member_id,
            plan=plan,
            at=at,
            actor=actor,
            external_ref=order_ref,
            price_cents=found.total_cents,
            starts_at=starts_at,
        )
    else:
        term = membership.give_term(member_id=member_id, plan=plan, at=at, actor=actor, external_ref=order_ref)
    if found.days:
        _extended(coupon, found, member_id, at, actor)
    if auto_renewal is not None:
        membership.switch_auto_renewal(member_id=member_id, on=auto_renewal, at=at, actor=actor)
    return term


def _extended(coupon: Coupon, found: Quote, member_id: int, at: datetime, actor: User | None) -> MembershipTerm:
    return membership.compensate(
        member_id=member_id, days=found.days, at=at, actor=actor, reason=f"{coupon.offer.code} v{coupon.version}"
    )
