"""What a coupon takes off a price, and why one does not apply. Whole cents; the standard library only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FIRST_PURCHASE, JOINING, THRESHOLD = "first_purchase_price", "join_discount", "threshold_discount"
PRICE_LOCK, GRACE, RENEWAL = "price_lock", "grace_coupon", "renewal_discount"
RETURN_PACK, TRIAL, LADDER, POINTS = "return_pack", "trial_extension", "return_ladder", "points_offset"

_OFF = ("amount_cents", "percent", "cap_cents")
# The terms a kind takes; what is not listed is left out of what is saved.
FIELDS: Mapping[str, tuple[str, ...]] = {
    FIRST_PURCHASE: ("price_cents",),
    JOINING: _OFF,
    THRESHOLD: ("threshold_cents", *_OFF),
    PRICE_LOCK: ("price_cents",),
    GRACE: _OFF,
    RENEWAL: _OFF,
    RETURN_PACK: ("days_away", "bonus_days", *_OFF),
    TRIAL: ("days",),
    LADDER: ("steps",),
    POINTS: ("cents_per_point", "percent"),
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    FIRST_PURCHASE: ("price_cents",),
    THRESHOLD: ("threshold_cents",),
    TRIAL: ("days",),
    LADDER: ("steps",),
    POINTS: ("cents_per_point", "percent"),
}
# Kinds that take an amount or a percentage off; of the first at least one is needed.
DISCOUNTS = {JOINING, THRESHOLD, GRACE, RENEWAL}
MAX_DAYS = 366
MAX_STEPS = 12


@dataclass(frozen=True)
class Step:
    """From ``days_away`` days after her cover ended, so much off: cents, or whole percent with a cap."""

    days_away: int
    amount_cents: int | None = None
    percent: int | None = None
    cap_cents: int | None = None


@dataclass(frozen=True)
class Terms:
    """What an offer promises. Amounts in cents, percent whole, days whole; None is not part of it.

    ``plans`` and ``tiers`` are ids it is valid for (none: all), ``locked`` the prices held by plan id.
    """

    kind: str
    amount_cents: int | None = None
    percent: int | None = None
    cap_cents: int | None = None
    price_cents: int | None = None
    threshold_cents: int | None = None
    days: int | None = None
    bonus_days: int | None = None
    days_away: int | None = None
    cents_per_point: int | None = None
    steps: tuple[Step, ...] = ()
    plans: tuple[int, ...] = ()
    tiers: tuple[int, ...] = ()
    locked: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Terms":
        """The terms as ``written`` wrote them."""
        plain = {**data, "steps": tuple(Step(**step) for step in data.get("steps", ()))}
        return cls(**plain | {name: tuple(data.get(name, ())) for name in ("plans", "tiers")})

    def written(self) -> dict[str, Any]:
        """As JSON, without what is not part of it."""
        steps = [{name: value for name, value in vars(step).items() if value is not None} for step in self.steps]
        every = {**vars(self), "steps": steps, "plans": list(self.plans), "tiers": list(self.tiers)}
        return {name: value for name, value in every.items() if value not in (None, [], {})}


@dataclass(frozen=True)
class Buyer:
    """What is known of the member at the instant. ``days_away``: local days since her last cover ended, else None."""

    has_paid: bool = False
    is_covered: bool = False
    is_on_trial: bool = False
    is_in_grace: bool = False
    days_away: int | None = None
    points: int | None = None


@dataclass(frozen=True)
class Sold:
    """A plan as it is sold now. What a coupon says of money is said of plans in the project's currency alone."""

    plan: int
    tier: int
    price_cents: int
    trial_days: int = 0
    is_in_our_currency: bool = True


@dataclass(frozen=True)
class Quote:
    """What is to be paid. ``refusal`` says why the coupon does not apply, ``detail`` the figures in that sentence."""

    price_cents: int
    discount_cents: int = 0
    days: int = 0
    points: int = 0
    refusal: str = ""
    detail: Mapping[str, int] = field(default_factory=dict)

    @property
    def total_cents(self) -> int:
        return self.price_cents - self.discount_cents


def faults(terms: Terms) -> list[tuple[str, str]]:
    """(field, code) for everything that is missing from the terms of a kind, or does not fit."""
    found = [(name, "needed") for name in REQUIRED.get(terms.kind, ()) if not getattr(terms, name)]
    if terms.kind == FIRST_PURCHASE and terms.price_cents == 0:
        found.remove(("price_cents", "needed"))
    has_amount, has_percent = terms.amount_cents is not None, terms.percent is not None
    if has_amount and has_percent:
        found.append(("percent", "one_of_two"))
    needs_off = terms.kind in DISCOUNTS or (terms.kind == RETURN_PACK and not terms.bonus_days)
    if needs_off and not (terms.amount_cents or terms.percent):
        found.append(("amount_cents", "amount_or_percent"))
    found += _out_of_bounds(terms)
    return found + _step_faults(terms.steps)


def _out_of_bounds(terms: Terms) -> list[tuple[str, str]]:
    bounds = {"percent": 100, "days": MAX_DAYS, "bonus_days": MAX_DAYS}
    return [(name, "bounds") for name, most in bounds.items() if not 0 <= (getattr(terms, name) or 0) <= most]


def _step_faults(steps: Sequence[Step]) -> list[tuple[str, str]]:
    days = [step.days_away for step in steps]
    if len(steps) > MAX_STEPS:
        return [("steps", "too_many_steps")]
    if days != sorted(set(days)):
        return [("steps", "steps_in_order")]
    is_whole = all(
        bool(step.amount_cents) != bool(step.percent) and 0 <= (step.percent or 0) <= 100 and step.days_away >= 0
        for step in steps
    )
    return [] if is_whole else [("steps", "step_of_one_value")]


def step_at(steps: Sequence[Step], days_away: int | None) -> Step | None:
    """The step reached by somebody away for so long: the longest one not longer than that."""
    reached = [step for step in steps if days_away is not None and step.days_away <= days_away]
    return max(reached, key=lambda step: step.days_away, default=None)


def quote(terms: Terms, sold: Sold, buyer: Buyer) -> Quote:
    """The price of the plan with a coupon of these terms: never negative, never above the plan's own price."""
    refusal, detail = _refusal(terms, sold, buyer)
    if refusal:
        return Quote(sold.price_cents, refusal=refusal, detail=detail)
    if terms.kind == TRIAL and terms.days:
        return Quote(0, days=terms.days)
    points = 0
    if terms.kind == POINTS:
        points = _points(terms, sold, buyer)
        off = points * (terms.cents_per_point or 0)
    else:
        off = _off(terms, sold, buyer)
    off = max(0, min(off, sold.price_cents))
    if not off and not terms.bonus_days:
        return Quote(sold.price_cents, refusal="no_discount")
    return Quote(sold.price_cents, off, days=terms.bonus_days or 0, points=points)


def most_off(terms: Terms, plans: Sequence[Sold]) -> int:
    """The most a coupon of these terms can cost, over the plans it is valid for."""
    valid = [sold for sold in plans if not _misses(terms, sold)]
    if terms.kind == LADDER:
        offs = [
            _taken(sold.price_cents, step.amount_cents, step.percent, step.cap_cents)
            for sold in valid
            for step in terms.steps
        ]
    elif terms.kind == POINTS:
        offs = [sold.price_cents * (terms.percent or 0) // 100 for sold in valid]
    else:
        offs = [_off(terms, sold, Buyer()) for sold in valid]
    return max([0, *(min(off, max(sold.price_cents for sold in valid)) for off in offs)])


def _misses(terms: Terms, sold: Sold) -> str:
    if terms.plans and sold.plan not in terms.plans:
        return "plan_not_valid"
    if terms.tiers and sold.tier not in terms.tiers:
        return "tier_not_valid"
    if not sold.is_in_our_currency and terms.kind != TRIAL:
        return "other_currency"
    return ""


def _refusal(terms: Terms, sold: Sold, buyer: Buyer) -> tuple[str, Mapping[str, int]]:
    """Why the coupon does not apply (empty: it does), with the figures to say it."""
    if missed := _misses(terms, sold):
        return missed, {}
    away = buyer.days_away
    is_newcomer = not buyer.has_paid and not buyer.is_covered
    match terms.kind:
        case "first_purchase_price":
            return ("" if not buyer.has_paid else "has_bought_before"), {}
        case "join_discount":
            return ("" if is_newcomer else "is_member_already"), {}
        case "threshold_discount" if sold.price_cents < (terms.threshold_cents or 0):
            return "below_threshold", {"threshold_cents": terms.threshold_cents or 0}
        case "price_lock":
            return ("" if str(sold.plan) in terms.locked else "plan_not_locked"), {}
        case "grace_coupon":
            return ("" if buyer.is_in_grace else "not_in_grace"), {}
        case "renewal_discount":
            return ("" if buyer.has_paid and (buyer.is_covered or buyer.is_in_grace) else "nothing_to_renew"), {}
        case "return_pack":
            needed = terms.days_away or 1
            return _unless_away(needed, away)
        case "return_ladder":
            return _unless_away(terms.steps[0].days_away if terms.steps else 0, away)
        case "trial_extension":
            may = buyer.is_on_trial or (sold.trial_days > 0 and not buyer.is_covered)
            return ("" if may else "no_trial"), {}
        case "points_offset" if buyer.points is None:
            return "no_points", {}
    return "", {}


def _unless_away(needed: int, away: int | None) -> tuple[str, Mapping[str, int]]:
    if away is None:
        return "not_away", {}
    return ("" if away >= needed else "not_away_long_enough"), {"days": needed, "away": away}


def _off(terms: Terms, sold: Sold, buyer: Buyer) -> int:
    if terms.kind == TRIAL:
        return 0
    if terms.kind == FIRST_PURCHASE:
        return sold.price_cents - (terms.price_cents or 0)
    if terms.kind == PRICE_LOCK:
        return sold.price_cents - terms.locked.get(str(sold.plan), sold.price_cents)
    if terms.kind == LADDER:
        step = step_at(terms.steps, buyer.days_away)
        return _taken(sold.price_cents, step.amount_cents, step.percent, step.cap_cents) if step else 0
    return _taken(sold.price_cents, terms.amount_cents, terms.percent, terms.cap_cents)


def _taken(price: int, amount: int | None, percent: int | None, cap: int | None) -> int:
    """So much off a price; a percentage is rounded down to a cent."""
    if percent is None:
        return amount or 0
    off = price * percent // 100
    return off if cap is None else min(off, cap)


def _points(terms: Terms, sold: Sold, buyer: Buyer) -> int:
    """How many points go into the price: no more than she has, nor than the share of it they may pay."""
    per_point = terms.cents_per_point or 0
    payable = sold.price_cents * (terms.percent or 0) // 100
    return min(buyer.points or 0, payable // per_point) if per_point else 0
