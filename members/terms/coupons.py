"""Coupons that pay a part of a purchase, where an app above keeps some; it registers in its ``AppConfig.ready``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from config.engine.refusal import Refused
from config.engine.registry import Registry
from config.staff.models import User
from members.plans.models import Plan
from members.terms.models import MembershipTerm


@dataclass(frozen=True)
class HeldCoupon:
    """An unused coupon of a member, and what a plan costs with it in minor units of its currency.

    ``days`` are added behind the term. ``refusal`` says in words why it does not apply; empty when it does.
    """

    pk: int
    name: str
    expires_at: datetime
    total_cents: int
    days: int = 0
    refusal: str = ""


class BuyWithCoupon(Protocol):
    """Books the plan at the price the coupon gives and returns the order's first term. Raises Refused."""

    def __call__(
        self,
        *,
        member_id: int,
        coupon_id: int,
        plan: Plan,
        external_ref: str | None,
        starts_at: datetime | None,
        auto_renewal: bool | None,
        at: datetime,
        actor: User | None,
    ) -> MembershipTerm: ...


@dataclass(frozen=True)
class CouponKeeper:
    """``held(member_id, plan, at)``: the member's unused coupons that lower prices, those that apply first.

    ``buy`` spends one; ``refusal_text`` tells why it does not.
    """

    held: Callable[[int, Plan, datetime], list[HeldCoupon]]
    buy: BuyWithCoupon
    refusal_text: Callable[[Refused], str]


# Under one code, so that nobody keeps coupons beside another.
KEEPERS: Registry[CouponKeeper] = Registry("coupon keepers", code_of=lambda _keeper: "coupons")


def keeper() -> CouponKeeper | None:
    """The registered keeper, if any."""
    return KEEPERS.get("coupons")
