"""The coupons that a verb of terms uses up, brings back, or leaves without a plan they fit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from config.engine.naming import name_of
from entitlements.offers.lifecycle import CouponStatus
from entitlements.offers.models import Coupon
from entitlements.offers.operations.redeeming import fitting_no_more
from members.terms.consequences import CONSEQUENCES, Consequence, Effect


@dataclass(frozen=True)
class MemberCoupons:
    """Names by the coupons' numbers: unused, those of them that fit no plan, redeemed for a term that was voided."""

    unused: dict[int, str]
    unfit: dict[int, str]
    lost: dict[int, str]


def register() -> None:
    """Called once, when the app is ready."""
    CONSEQUENCES.register(Consequence("coupons", read, tell, follow))


def follow(member_id: int, at: datetime) -> None:
    """What the tick does within half a minute, for one member."""
    Coupon.objects.give_back_refunded(at, limit=100, member_id=member_id)


def read(member_id: int, at: datetime) -> MemberCoupons:
    coupons = Coupon.objects.filter(member_id=member_id).select_related("offer").order_by("pk")
    lost = coupons.filter(status=CouponStatus.REDEEMED, term__voided_at__isnull=False)
    return MemberCoupons(
        unused={coupon.pk: name_of(coupon.offer) for coupon in coupons.unused(at)},
        unfit={coupon.pk: name_of(coupon.offer) for coupon in fitting_no_more(member_id=member_id, at=at)},
        lost={coupon.pk: name_of(coupon.offer) for coupon in lost},
    )


def tell(before: MemberCoupons, after: MemberCoupons) -> Iterator[Effect]:
    if back := _names(after.unused, before.unused):
        yield Effect(_("Coupons that come back"), True, back)
    if fit := _names(before.unfit, after.unfit, of=after.unused):
        yield Effect(_("Coupons that apply again"), True, fit)
    if used := _names(before.unused, after.unused):
        yield Effect(_("Coupons used up"), False, used)
    if unfit := _names(after.unfit, before.unfit, of=before.unused):
        yield Effect(_("Coupons that apply to no plan any more"), False, unfit)
    if lost := _names(after.lost, before.lost):
        yield Effect(_("Coupons that stay used up"), False, lost)


def _names(those: dict[int, str], without: dict[int, str], of: dict[int, str] | None = None) -> tuple[str, ...]:
    return tuple(name for key, name in those.items() if key not in without and (of is None or key in of))
