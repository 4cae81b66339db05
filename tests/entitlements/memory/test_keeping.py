"""What is lost with a membership is kept, and what did not come with it is not."""

from datetime import timedelta

import pytest

from entitlements.grants.models import Grant
from entitlements.memory.models import EntitlementSnapshot
from members.plans.models import Plan, Tier
from members.terms.operations import terms
from tests.entitlements.memory.scene import Outcome
from tests.entitlements.world import balance, give, settle
from tests.members.world import moment

pytestmark = pytest.mark.django_db


def test_what_is_lost_at_the_end_of_the_grace_is_kept(scene):
    term = scene.lapse()
    kept = scene.snapshot
    assert (kept.term, kept.tier, kept.plan) == (term, scene.world.black, scene.world.black_month)
    assert kept.taken_at == term.ends_at + timedelta(days=3)
    assert kept.outcome == Outcome.PENDING
    voucher = kept.balances[str(scene.voucher.pk)]
    assert (voucher["remaining"], voucher["uses"], voucher["once"]) == (3, 1, 3)
    assert kept.balances[str(scene.downloads.pk)]["uses"] == 2
    assert set(kept.unlocked) == {str(scene.album.pk)}


def test_settled_late_it_is_the_same(scene):
    scene.buy(0, scene.world.black_month)
    scene.use(scene.voucher, 1, 1)
    settle(scene.member, moment(60))
    assert scene.snapshot.taken_at == moment(35, 0)
    assert scene.snapshot.balances[str(scene.voucher.pk)]["once"] == 3


def test_a_trial_that_was_never_paid_leaves_nothing(scene):
    terms.start_trial(member_id=scene.member.pk, plan=scene.world.month, at=moment(0), actor=None)
    settle(scene.member, moment(0))
    settle(scene.member, moment(10))
    assert not EntitlementSnapshot.objects.exists()


def test_nor_does_a_term_that_was_refunded(scene):
    term = scene.buy(0)
    terms.refund_term(term_id=term.pk, at=moment(2), actor=None, reason="")
    settle(scene.member, moment(2))
    assert not EntitlementSnapshot.objects.exists()


def test_a_bought_tier_lost_to_a_lower_earned_one_is_kept_and_comes_back(scene):
    gold, black = scene.world.gold, scene.world.black
    scene.earn(gold)
    term = scene.buy(0, scene.world.black_month)
    scene.use(scene.voucher, 1, 1)
    for day in (32, 33):
        settle(scene.member, moment(day, 13))
    assert scene.stands() == ("grace", black, term.ends_at)
    assert not EntitlementSnapshot.objects.exists()
    settle(scene.member, moment(40))
    assert scene.stands() == ("tier", gold, moment(35, 0))
    kept = scene.snapshot
    assert (kept.term, kept.tier, kept.taken_at, kept.outcome) == (term, black, moment(35, 0), Outcome.PENDING)
    assert kept.balances[str(scene.voucher.pk)]["once"] == 3
    settle(scene.member, moment(45))
    again = scene.buy(50, scene.world.black_month)
    kept = scene.snapshot
    assert (kept.outcome, kept.return_term, kept.returned_at) == (Outcome.RESTORED, again, moment(50))
    assert scene.restored() == {("voucher", 3, False, again.ends_at)}
    assert balance(scene.member, scene.voucher) == (7, 0)


def test_a_return_below_the_earned_tier_restores_for_the_term_that_was_bought(scene):
    """Her standing is then the earned tier, which began long before and has another end."""
    basic = Tier.objects.create(code="basic", name="Basic", position=0)
    plan = Plan.objects.create(code="basic", name="Basic", tier=basic, price_cents=900)
    scene.earn(scene.world.gold)
    scene.lapse()
    assert scene.snapshot.outcome == Outcome.PENDING
    term = scene.buy(50, plan)
    assert scene.stands()[:2] == ("tier", scene.world.gold)
    assert (scene.snapshot.outcome, scene.snapshot.return_term) == (Outcome.RESTORED, term)
    assert scene.restored() == {
        ("downloads", 20, True, moment(80)), ("cinema", None, True, moment(80)),
        ("album", None, True, term.ends_at), ("voucher", 3, False, term.ends_at),
    }  # fmt: skip
    assert set(Grant.objects.filter(source="restore").values_list("effective_at", flat=True)) == {moment(50)}


@pytest.mark.parametrize("earned", ["gold", "black"])
def test_an_earned_tier_not_below_the_bought_one_leaves_no_memory(scene, earned):
    """Neither when it is reached in mid-term nor when the term is over: nothing is lost."""
    scene.buy(0)
    settle(scene.member, moment(5))
    scene.earn(getattr(scene.world, earned), 10)
    for day in (10, 31, 32, 40):
        settle(scene.member, moment(day, 13))
    assert scene.stands()[:2] == ("tier", getattr(scene.world, earned))
    assert not EntitlementSnapshot.objects.exists()


def test_what_the_term_gave_is_lost_when_the_earned_tier_above_it_falls_later(scene):
    """She keeps black when gold runs out; the day black is gone she has less than she bought."""
    scene.earn(scene.world.black, until=moment(60))
    term = scene.buy(0)
    for day in (31, 32, 40):
        settle(scene.member, moment(day, 13))
    assert not EntitlementSnapshot.objects.exists()
    settle(scene.member, moment(70))
    assert (scene.snapshot.term, scene.snapshot.taken_at) == (term, moment(60))
    assert scene.stands() == ("free", None, moment(60))


def test_a_refund_down_to_an_earned_tier_leaves_nothing(scene):
    scene.earn(scene.world.gold)
    term = scene.buy(0, scene.world.black_month)
    terms.refund_term(term_id=term.pk, at=moment(2), actor=None, reason="")
    settle(scene.member, moment(2))
    assert scene.stands()[:2] == ("tier", scene.world.gold)
    assert not EntitlementSnapshot.objects.exists()


def test_a_one_off_by_hand_is_no_part_of_it(scene):
    """It did not come with the membership, so it does not go with it."""
    give(scene.member, scene.voucher, 2, moment(0))
    scene.lapse()
    assert balance(scene.member, scene.voucher) == (2, 0)
    assert scene.snapshot.balances[str(scene.voucher.pk)]["once"] == 3
