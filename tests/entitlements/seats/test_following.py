"""Seats follow the terms of their owner: renewals, refunds, changes of plan, lapses."""

from datetime import timedelta

import pytest

from entitlements.seats.models import Seat
from entitlements.seats.operations import seating
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.entitlements.seats.world import Families, spans
from tests.members.world import moment, state

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return Families()


def ends(seat):
    seat.refresh_from_db()
    return seat.end_reason


def test_a_renewal_goes_on_for_the_holder_without_a_gap(world):
    holder = world.member()
    world.gives(holder)
    renewed = world.buys(world.owner, world.family, 20)
    assert world.follows(20) == 1
    assert spans(holder) == [(moment(1), world.bought.ends_at), (world.bought.ends_at, renewed.ends_at)]
    assert world.follows(21) == 0
    assert MembershipTerm.objects.filter(member=holder).count() == 2


def test_cover_renews_by_itself_when_the_owners_membership_does(world):
    holder = world.member()
    terms.switch_auto_renewal(member_id=world.owner.pk, on=True, at=moment(1), actor=None)
    seat = world.gives(holder)
    assert state(holder).auto_renewal_flag
    terms.switch_auto_renewal(member_id=world.owner.pk, on=False, at=moment(2), actor=None)
    assert world.follows(2) == 1
    assert not state(holder).auto_renewal_flag
    terms.switch_auto_renewal(member_id=world.owner.pk, on=True, at=moment(3), actor=None)
    world.follows(3)
    seating.end_seat(seat_id=seat.pk, reason="taken_back", at=moment(4), actor=None)
    assert not state(holder).auto_renewal_flag
    assert MembershipTerm.objects.get(member=holder).close_reason == "followed"


def test_a_holder_who_bought_decides_for_herself_whether_it_renews(world):
    holder = world.member()
    world.gives(holder)
    world.buys(holder, world.month, 2)
    terms.switch_auto_renewal(member_id=holder.pk, on=True, at=moment(2), actor=None)
    assert world.follows(3) == 0
    assert state(holder).auto_renewal_flag


def test_added_days_reach_the_holder(world):
    holder = world.member()
    world.gives(holder)
    terms.compensate(member_id=world.owner.pk, days=5, at=moment(2), actor=None, reason="Outage")
    world.follows(2)
    assert spans(holder)[-1][1] == spans(world.owner)[-1][1]


def test_a_refund_takes_the_seats_along(world):
    holder = world.member()
    seat = world.gives(holder)
    terms.refund_term(term_id=world.bought.pk, at=moment(4), actor=None, reason="R")
    world.follows(5)
    assert ends(seat) == "refunded"
    assert spans(holder) == [(moment(1), moment(5))]
    assert state(holder).membership_status == "expired"


def test_a_voided_term_takes_the_seats_along(world):
    seat = world.gives(world.member())
    terms.void_term(term_id=world.bought.pk, at=moment(4), actor=None, reason="R")
    world.follows(4)
    assert ends(seat) == "refunded"


def test_a_refunded_renewal_takes_only_what_followed_it(world):
    holder = world.member()
    seat = world.gives(holder)
    renewed = world.buys(world.owner, world.family, 20)
    world.follows(20)
    terms.refund_term(term_id=renewed.pk, at=moment(21), actor=None, reason="R")
    world.follows(21)
    assert ends(seat) == ""
    assert spans(holder) == [(moment(1), world.bought.ends_at)]


def test_an_owner_who_lapses_keeps_the_seats_through_the_grace(world):
    holder = world.member()
    seat = world.gives(holder)
    over = (world.bought.ends_at - moment(0)) / timedelta(days=1)
    world.follows(over + 1)
    assert ends(seat) == ""
    assert state(world.owner).membership_status == "grace"
    assert state(holder).membership_status == "expired"
    renewed = world.buys(world.owner, world.family, over + 1)
    world.follows(over + 1)
    assert spans(holder)[-1] == (world.bought.ends_at, renewed.ends_at)
    assert state(holder).membership_status == "active"


def test_an_owner_who_lapses_for_good_loses_the_seats(world):
    seat = world.gives(world.member())
    over = (world.bought.ends_at - moment(0)) / timedelta(days=1)
    world.follows(over + 8)
    assert ends(seat) == "owner_lapsed"


def test_another_plan_without_seats_ends_them(world):
    holder = world.member()
    seat = world.gives(holder)
    world.buys(world.owner, world.black_month, 5)
    terms.refund_term(term_id=world.bought.pk, at=moment(5), actor=None, reason="R")
    world.follows(5)
    assert ends(seat) == "plan_changed"
    assert spans(holder) == [(moment(1), moment(5))]


def test_a_plan_with_seats_that_is_set_aside_brings_them_again_when_it_goes_on(world):
    holder = world.member()
    seat = world.gives(holder)
    world.buys(world.owner, world.black_month, 5)
    world.follows(5)
    assert ends(seat) == ""
    assert spans(holder) == [(moment(1), moment(5)), spans(world.owner)[-1]]


def test_a_trial_brings_no_seats_on(world):
    world.family.trial_days = 7
    world.family.save()
    holder = world.member()
    seat = world.gives(holder)
    over = (world.bought.ends_at - moment(0)) / timedelta(days=1) + 1
    world.follows(over)
    terms.start_trial(member_id=world.owner.pk, plan=world.family, at=moment(over), actor=None)
    world.follows(over)
    assert ends(seat) == "plan_changed"
    assert spans(holder) == [(moment(1), world.bought.ends_at)]


def test_another_plan_with_seats_takes_over(world):
    world.brings(world.black_month, 5)
    holder = world.member()
    seat = world.gives(holder)
    switched = world.buys(world.owner, world.black_month, 5)
    world.follows(5)
    assert ends(seat) == ""
    assert spans(holder) == [(moment(1), moment(5)), (moment(5), switched.ends_at), spans(world.owner)[-1]]
    assert MembershipTerm.objects.get(member=holder, starts_at=moment(5)).tier == world.black


def test_of_more_seats_than_the_new_plan_brings_the_last_given_go(world):
    world.brings(world.black_month, 1)
    seats = [world.gives(world.member(), 1), world.gives(world.member(), 2)]
    world.buys(world.owner, world.black_month, 5)
    world.follows(5)
    assert [ends(seat) for seat in seats] == ["", "plan_changed"]


def test_own_membership_lies_over_the_seat_which_lends_again_behind_it(world):
    holder = world.member()
    world.gives(holder)
    own = world.buys(holder, world.week, 3)
    assert own.starts_at == moment(3)
    renewed = world.buys(world.owner, world.family, 20)
    world.follows(20)
    assert spans(holder)[1:] == [
        (own.starts_at, own.ends_at), (own.ends_at, world.bought.ends_at), (world.bought.ends_at, renewed.ends_at)
    ]  # fmt: skip


def test_a_trial_in_the_gap_before_a_late_renewal_does_not_stop_the_pass(world):
    holder = world.member()
    world.month.trial_days = 1
    world.month.save()
    world.gives(holder)
    over = (world.bought.ends_at - moment(0)) / timedelta(days=1)
    world.follows(over)
    trial = terms.start_trial(member_id=holder.pk, plan=world.month, at=moment(over + 0.2), actor=None)
    renewed = world.buys(world.owner, world.family, over + 2)
    world.follows(over + 2)
    assert spans(holder)[-1] == (trial.ends_at, renewed.ends_at)


def test_only_owners_that_differ_are_touched(world, django_assert_num_queries):
    world.gives(world.member())
    for _ in range(3):
        owner = world.member()
        world.buys(owner, world.family, 0)
        world.gives(world.member(), owner=owner)
    world.buys(owner, world.family, 20)
    assert world.follows(20) == 1
    with django_assert_num_queries(1):
        assert seating.follow_seats(at=moment(20)) == 0
    assert Seat.objects.open().count() == 4


def test_one_seat_that_cannot_follow_stops_neither_its_sisters_nor_other_owners(world, caplog):
    first, second, third = (world.member() for _ in range(3))
    bad, _good = world.gives(first), world.gives(second)
    other_owner = world.member()
    world.buys(other_owner, world.family, 0)
    world.gives(third, owner=other_owner)
    renewed = world.buys(world.owner, world.family, 20)
    renewed_too = world.buys(other_owner, world.family, 20)
    # Its order is somebody else's already.
    world.buys(world.member(), world.month, 20, external_ref=f"house:seat:{bad.pk}:{renewed.pk}")
    assert world.follows(20) == 1
    assert spans(first) == [(moment(1), world.bought.ends_at)]
    assert spans(second)[-1] == (world.bought.ends_at, renewed.ends_at)
    assert spans(third)[-1] == (world.bought.ends_at, renewed_too.ends_at)
    assert f"Seat {bad.pk} cannot follow its owner: external_ref_taken" in caplog.text


def test_owners_that_cannot_be_put_right_leave_room_for_the_others(world, monkeypatch):
    monkeypatch.setattr(seating, "BATCH", 1)
    bad = world.gives(world.member())
    other_owner = world.member()
    world.buys(other_owner, world.family, 0)
    holder = world.member()
    world.gives(holder, owner=other_owner)
    renewed = world.buys(world.owner, world.family, 20)
    world.buys(world.member(), world.month, 20, external_ref=f"house:seat:{bad.pk}:{renewed.pk}")
    world.buys(other_owner, world.family, 20)
    assert world.follows(20) == 1
    assert len(spans(holder)) == 2


def test_a_program_may_number_its_orders_as_it_likes(world):
    """What used to be the number of a seat's cover is anybody's."""
    holder = world.member()
    world.buys(world.member(), world.month, 0, external_ref=f"seat:1:{world.bought.pk}")
    seat = world.gives(holder)
    world.buys(world.member(), world.month, 2, external_ref=f"seat:{seat.pk}:{world.bought.pk + 1}")
    world.buys(world.owner, world.family, 20)
    assert world.follows(20) == 1
    assert len(spans(holder)) == 2
