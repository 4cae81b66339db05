"""What comes back comes with one return: it ends with it, and only a return of the member's own uses a memory up."""

from datetime import timedelta

import pytest

from entitlements.seats.operations import seating
from entitlements.seats.operations.plans import save_seat_plan
from members.terms.operations import terms
from tests.entitlements.memory.scene import Outcome
from tests.entitlements.world import balance, settle
from tests.members.world import moment

pytestmark = pytest.mark.django_db


def test_a_former_tier_is_over_with_the_week_it_came_with(scene):
    scene.lapse()
    week = scene.buy(50, scene.world.week)
    assert {until for *_rest, until in scene.restored()} == {week.ends_at}
    settle(scene.member, week.ends_at + timedelta(hours=1))
    assert balance(scene.member, scene.cinema) == (0, 0)


def test_what_came_back_ends_with_an_upgrade(scene):
    scene.lapse()
    scene.buy(50)
    scene.buy(52, scene.world.black_month)
    assert scene.restored() == set()
    assert balance(scene.member, scene.voucher) == (4, 0)


@pytest.fixture
def owner(scene):
    """Somebody whose month of black brings a seat."""
    owner = scene.world.member()
    save_seat_plan(plan=scene.world.black_month, seats=1, kind="family", tier=None, actor=None, at=moment(0))
    terms.purchase(member_id=owner.pk, plan=scene.world.black_month, at=moment(40), actor=None)
    return owner


def test_a_seat_given_and_taken_again_and_again_multiplies_nothing(scene, owner):
    scene.lapse()
    for day in (41, 43, 45, 47):
        given = seating.give_seat(owner_id=owner.pk, member_id=scene.member.pk, at=moment(day), actor=None)
        settle(scene.member, moment(day))
        assert scene.restored() == set()
        assert balance(scene.member, scene.voucher) == (4, 0)
        seating.end_seat(seat_id=given.pk, reason="taken_back", at=moment(day + 1), actor=None)
        settle(scene.member, moment(day + 1))
    assert [row.outcome for row in scene.member.snapshots.all()] == [Outcome.PENDING]
    scene.buy(60, scene.world.black_month)
    assert balance(scene.member, scene.voucher) == (7, 0)


def test_days_of_compensation_decide_nothing(scene):
    scene.lapse()
    terms.compensate(member_id=scene.member.pk, days=3, at=moment(50), actor=None, reason="late")
    settle(scene.member, moment(50))
    assert scene.snapshot.outcome == Outcome.PENDING
    assert scene.restored() == set()
    scene.buy(60)
    assert scene.snapshot.outcome == Outcome.RESTORED
