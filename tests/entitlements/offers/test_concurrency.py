"""Many at once: caps hold to the coupon and the cent, an order takes effect once, nobody gets two."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from entitlements.codes.models import PartnerCode
from entitlements.codes.operations import pools
from entitlements.offers.models import Coupon, OfferBudget
from entitlements.offers.operations import issuing, redeeming
from members.segments.models import Segment, SegmentMembership
from members.terms.models import MembershipTerm
from tests import factories
from tests.entitlements.offers.conftest import make_offer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("any_date")]

WORKERS = 8


def at_once(works: list[Callable[[], object]]) -> Counter[str]:
    """Run all on a few threads; returns how often each outcome came, refusals by their code."""

    def run(work: Callable[[], object]) -> str:
        try:
            work()
        except Exception as error:
            return str(error)
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        return Counter(pool.map(run, works))


def test_no_more_coupons_than_the_cap(now):
    offer = make_offer(at=now, max_coupons=10)
    members = [factories.make_member(at=now) for _ in range(30)]
    found = at_once(
        [
            lambda m=m: issuing.issue_coupon(offer_id=offer.pk, member_id=m.pk, at=now, actor=None)
            for m in members
        ]
    )  # fmt: skip
    assert found == {"done": 10, "no_room": 20}
    assert Coupon.objects.count() == 10 == OfferBudget.objects.get().issued


def test_one_member_gets_one_however_many_issue(now):
    offer, member = make_offer(at=now), factories.make_member(at=now)
    segment = Segment.objects.create(name="S", kind="static", created_at=now, updated_at=now)
    SegmentMembership.objects.create(segment=segment, member=member, entered_at=now)
    run = issuing.issue_to_segment(offer_id=offer.pk, segment_id=segment.pk, actor=None, at=now)
    one = lambda: issuing.issue_coupon(offer_id=offer.pk, member_id=member.pk, at=now, actor=None)  # noqa: E731
    at_once([one, lambda: issuing.work_run(run_id=run.pk, at=now)] * 10)
    assert Coupon.objects.count() == 1 == OfferBudget.objects.get().issued


def test_fifty_replays_of_one_order_have_one_effect(now):
    offer, member, plan = make_offer(at=now), factories.make_member(at=now), factories.PlanFactory()
    coupon = issuing.issue_coupon(offer_id=offer.pk, member_id=member.pk, at=now, actor=None)
    found = at_once(
        [
            lambda: redeeming.redeem_coupon(
                member_id=member.pk, code=coupon.code, plan=plan, order_ref="o1", at=now, actor=None
            )
        ]
        * 50
    )
    assert found == {"done": 50}
    assert MembershipTerm.objects.count() == 1
    budget = OfferBudget.objects.get()
    assert (budget.redeemed, budget.spent_cents) == (1, 500)


def test_the_budget_is_never_overspent(now):
    offer, plan = make_offer(at=now, budget_cents=2200), factories.PlanFactory()
    coupons = [
        issuing.issue_coupon(offer_id=offer.pk, member_id=factories.make_member(at=now).pk, at=now, actor=None)
        for _ in range(12)
    ]
    found = at_once(
        [
            lambda c=c: redeeming.redeem_coupon(
                member_id=c.member_id, code=c.code, plan=plan, order_ref=c.code, at=now, actor=None
            )
            for c in coupons
        ]
    )  # fmt: skip
    assert found == {"done": 4, "budget_spent": 8}
    assert OfferBudget.objects.get().spent_cents == 2000
    assert MembershipTerm.objects.count() == 4


def test_redeemed_or_expired_or_revoked_but_only_one_of_them(now):
    plan = factories.PlanFactory()
    for _ in range(5):
        offer, member = make_offer(at=now), factories.make_member(at=now)
        coupon = issuing.issue_coupon(offer_id=offer.pk, member_id=member.pk, at=now, actor=None)
        at_once(
            [
                lambda c=coupon: redeeming.redeem_coupon(
                    member_id=c.member_id, code=c.code, plan=plan, order_ref=c.code, at=now, actor=None
                ),
                lambda c=coupon: issuing.expire_due(at=c.expires_at),
                lambda c=coupon: issuing.revoke_coupon(coupon_id=c.pk, actor=None, at=now, reason="race"),
            ]
        )
        budget = OfferBudget.objects.get(offer=offer)
        assert budget.redeemed + budget.expired + budget.revoked == 1
        assert MembershipTerm.objects.filter(member=member).count() == budget.redeemed


def test_two_hundred_claimers_of_a_hundred_codes(now):
    pool = pools.save_pool(actor=None, at=now, code="cinema", partner="Cinema", name="Ticket")
    pools.take_in(pool_id=pool.pk, codes=[f"C{n}" for n in range(100)], actor=None, at=now)
    members = [factories.make_member(at=now) for _ in range(200)]
    found = at_once(
        [lambda m=m: pools.claim_code(pool_id=pool.pk, member_id=m.pk, actor=None, at=now) for m in members]
    )
    assert found == {"done": 100, "none_left": 100}
    claimed = PartnerCode.objects.claimed()
    assert claimed.count() == 100 == len(set(claimed.values_list("member_id", flat=True)))


def test_one_claimer_twenty_times_at_once(now):
    pool = pools.save_pool(actor=None, at=now, code="cinema", partner="Cinema", name="Ticket")
    pools.take_in(pool_id=pool.pk, codes=[f"C{n}" for n in range(30)], actor=None, at=now)
    member = factories.make_member(at=now)
    found = at_once([lambda: pools.claim_code(pool_id=pool.pk, member_id=member.pk, actor=None, at=now)] * 20)
    assert found == {"done": 20}
    assert PartnerCode.objects.claimed().count() == 1
