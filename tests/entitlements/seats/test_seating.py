"""Seats given and taken back: who may hold one, what it is worth, and what is left when it ends."""

import pytest

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from entitlements.seats.models import Seat
from entitlements.seats.operations.plans import SeatsInUse
from entitlements.seats.operations.seating import end_seat
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.entitlements.seats.world import Families, spans
from tests.entitlements.world import Ladder, balance, settle
from tests.members.world import moment, state

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return Families()


def refused(code, work):
    seats, booked = Seat.objects.count(), MembershipTerm.objects.count()
    with pytest.raises(Refused, match=f"^{code}$"):
        work()
    assert (Seat.objects.count(), MembershipTerm.objects.count()) == (seats, booked)


def test_a_holder_is_covered_as_long_as_the_owner(world):
    holder = world.member()
    seat = world.gives(holder)
    term = MembershipTerm.objects.get(member=holder)
    assert (term.starts_at, term.ends_at) == (moment(1), world.bought.ends_at)
    assert (term.kind, term.price_cents, term.plan, term.tier) == ("lent", 0, None, world.gold)
    assert term.external_ref == f"house:seat:{seat.pk}:{world.bought.pk}"
    assert state(holder).membership_status == "active"
    assert state(holder).lifecycle_state == "first_paid"


def test_a_seat_may_stand_on_a_tier_of_its_own(world):
    world.brings(world.family, 2, tier=world.black)
    holder = world.member()
    world.gives(holder)
    assert MembershipTerm.objects.get(member=holder).tier == world.black


def test_benefits_come_and_go_with_the_seat(world):
    ladder = Ladder()
    album = ladder.benefit("album")
    ladder.cell(world.gold, album, 5)
    holder = world.member()
    seat = world.gives(holder)
    settle(holder, moment(1))
    assert balance(holder, album) == (5, 0)
    end_seat(seat_id=seat.pk, reason="taken_back", at=moment(3), actor=None)
    settle(holder, moment(3))
    assert balance(holder, album) == (0, 0)


def test_the_same_seat_given_twice_is_one(world):
    holder = world.member()
    assert world.gives(holder) == world.gives(holder, 2)
    assert len(spans(holder)) == 1


def test_who_gets_no_seat(world):
    first, second, third = (world.member() for _ in range(3))
    refused("self", lambda: world.gives(world.owner))
    refused("brings_none", lambda: world.gives(first, owner=second))
    world.gives(first)
    other = world.member()
    world.buys(other, world.family, 0)
    refused("has_seat", lambda: world.gives(first, owner=other))
    world.buys(second, world.month, 1)
    refused("has_cover", lambda: world.gives(second))
    world.gives(third)
    refused("full", lambda: world.gives(world.member()))


def test_a_trial_of_the_plan_brings_no_seats(world):
    trying = world.member()
    world.family.trial_days = 7
    world.family.save()
    terms.start_trial(member_id=trying.pk, plan=world.family, at=moment(0), actor=None)
    refused("brings_none", lambda: world.gives(world.member(), owner=trying))


def test_a_trial_runs_on_over_a_seat_of_its_tier_and_waits_for_one_of_a_higher(world):
    holder, other = world.member(), world.member()
    trials = [
        terms.start_trial(member_id=who.pk, plan=world.month, at=moment(0), actor=None) for who in (holder, other)
    ]
    world.gives(holder)
    assert spans(holder) == [(moment(0), trials[0].ends_at), (trials[0].ends_at, world.bought.ends_at)]
    world.brings(world.family, 2, tier=world.black)
    world.gives(other)
    end = world.bought.ends_at
    rest = trials[1].ends_at - moment(1)
    assert spans(other) == [(moment(0), moment(1)), (moment(1), end), (end, end + rest)]


def test_taken_back_is_over_at_once_and_frees_the_place(world):
    first, second = world.member(), world.member()
    seats = [world.gives(first), world.gives(second)]
    ended = end_seat(seat_id=seats[0].pk, reason="taken_back", at=moment(3), actor=None)
    assert spans(first) == [(moment(1), moment(3))]
    assert state(first).membership_status == "expired"
    again = end_seat(seat_id=seats[0].pk, reason="left", at=moment(4), actor=None)
    assert (again.ended_at, again.end_reason) == (ended.ended_at, "taken_back")
    assert world.gives(world.member(), 4).ended_at is None


def test_who_left_may_come_back(world):
    holder = world.member()
    end_seat(seat_id=world.gives(holder).pk, reason="left", at=moment(3), actor=None)
    world.gives(holder, 5)
    assert spans(holder) == [(moment(1), moment(3)), (moment(5), world.bought.ends_at)]


def test_a_plan_never_brings_fewer_seats_than_are_held(world):
    world.gives(world.member())
    world.gives(world.member())
    with pytest.raises(SeatsInUse) as caught:
        world.brings(world.family, 1)
    assert caught.value.most == 2
    world.brings(world.family, 3)
    world.gives(world.member())


def test_each_act_leaves_an_audit_row(world, user_with):
    actor = user_with("operator")
    holder = world.member()
    seat = world.gives(holder)
    end_seat(seat_id=seat.pk, reason="taken_back", at=moment(2), actor=actor)
    found = AuditEntry.objects.filter(member_id=holder.pk, target_type="seat").order_by("pk")
    assert [(row.action, row.actor) for row in found] == [("seat.given", None), ("seat.ended", actor)]
    assert AuditEntry.objects.filter(action="seat_plan.saved").count() == 1
