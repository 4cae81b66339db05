"""The demo's offers and partner codes: issued to the demo's segments, some of them redeemed."""

from datetime import datetime, timedelta
from typing import Any

from entitlements.codes.operations import pools
from entitlements.offers.models import Coupon
from entitlements.offers.operations import issuing, redeeming, saving
from entitlements.offers.rules import FIRST_PURCHASE, LADDER, RENEWAL, RETURN_PACK, Step, Terms
from members.plans.models import Plan
from members.segments.models import Segment

# Terms, the words of the offer, and the segment it goes to; the last one waits for somebody to activate it.
OFFERS: list[tuple[Terms, dict[str, Any], str | None]] = [
    (Terms(RENEWAL, percent=15, cap_cents=4_000),
     {"code": "renew-15", "name": "15 % off the renewal", "name_zh": "续费 85 折", "valid_days": 7},
     "Expiring, frequent users"),
    (Terms(RETURN_PACK, days_away=7, bonus_days=7, percent=30, cap_cents=6_000),
     {"code": "come-back", "name": "Return pack", "name_zh": "回归包", "valid_days": 30}, "Left, once loyal"),
    (Terms(FIRST_PURCHASE, price_cents=900),
     {"code": "first-month", "name": "First month for ¥9", "name_zh": "新客首月 ¥9", "valid_days": 14}, None),
    (Terms(LADDER, steps=(Step(7, percent=10), Step(30, percent=25), Step(90, percent=40, cap_cents=9_000))),
     {"code": "the-longer", "name": "The longer away, the more", "name_zh": "离开越久，优惠越大", "valid_days": 30},
     None),
]  # fmt: skip
DAY = timedelta(days=1)
# One in so many returns with her coupon.
RETURNS = 6
CODES = 12


def make_offers(*, at: datetime) -> None:
    """Offers in every state, coupons issued and some redeemed, and a pool of cinema codes that runs low."""
    for terms, words, segment in OFFERS:
        offer = saving.save_offer(terms=terms, actor=None, at=at, **words)
        if segment:
            saving.activate_offer(offer_id=offer.pk, actor=None, at=at)
            chosen = Segment.objects.get(name=segment)
            run = issuing.issue_to_segment(offer_id=offer.pk, segment_id=chosen.pk, actor=None, at=at)
            issuing.work_run(run_id=run.pk, at=at)
    plan = Plan.objects.get(code="standard-month")
    away = Coupon.objects.filter(offer__code="come-back", member__lifecycle__expiration_time__lt=at - 8 * DAY)
    for coupon in away.order_by("pk")[::RETURNS]:
        redeeming.redeem_coupon(
            member_id=coupon.member_id, code=coupon.code, plan=plan, order_ref=f"demo-return-{coupon.pk}", at=at,
            actor=None,
        )  # fmt: skip
    pool = pools.save_pool(
        actor=None, at=at, code="cinema", partner="Light House", name="Cinema ticket", name_zh="影院通兑券",
        worth_cents=4_500, low_stock=10,
    )  # fmt: skip
    pools.take_in(pool_id=pool.pk, codes=[f"LH-{n:04d}-{at:%y%m}" for n in range(CODES)], actor=None, at=at)
    for coupon in Coupon.objects.filter(status="redeemed").order_by("pk")[: CODES // 2]:
        pools.claim_code(pool_id=pool.pk, member_id=coupon.member_id, actor=None, at=at)
