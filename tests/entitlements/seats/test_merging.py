"""Whoever is merged takes along the seats she gives and the one she holds."""

import pytest

from entitlements.seats.console.work import surplus_seats
from entitlements.seats.models import Seat
from entitlements.seats.operations.seating import end_seat
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from tests.entitlements.seats.world import Families, spans
from tests.members.world import moment

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return Families()


def merge(survivor, absorbed):
    return merge_members(actor=None, at=moment(2), survivor_id=survivor.pk, absorbed_id=absorbed.pk)


def test_an_owner_takes_her_seats_along_and_back(world):
    holder, other = world.member(), world.member()
    seat = world.gives(holder)
    record = merge(other, world.owner)
    assert list(Seat.objects.open().of_owner(other.pk)) == [seat]
    world.buys(other, world.family, 20)
    assert world.follows(20) == 1
    assert len(spans(holder)) == 2
    unmerge_members(actor=None, at=moment(21), record_id=record.pk)
    assert list(Seat.objects.open().of_owner(world.owner.pk)) == [seat]


def test_a_holder_takes_her_seat_along(world):
    holder, other = world.member(), world.member()
    seat = world.gives(holder)
    merge(other, holder)
    world.buys(world.owner, world.family, 20)
    world.follows(20)
    assert len(spans(other)) == 2
    seat.refresh_from_db()
    assert seat.member == other


def test_two_holders_of_one_owner_are_one_and_two_again(world):
    one, other = world.member(), world.member()
    seats = [world.gives(one), world.gives(other)]
    before = spans(one), spans(other)
    record = merge(one, other)
    assert world.follows(3) == 0
    assert spans(one)[0] == before[0][0]
    unmerge_members(actor=None, at=moment(4), record_id=record.pk)
    world.follows(5)
    assert list(Seat.objects.open().of_owner(world.owner.pk).order_by("pk")) == seats
    assert (spans(one)[-1][1], spans(other)[-1][1]) == (before[0][-1][1], before[1][-1][1])


def test_two_holders_of_two_owners_are_one_and_two_again(world):
    second = world.member()
    world.buys(second, world.family, 0)
    one, other = world.member(), world.member()
    seats = [world.gives(one), world.gives(other, owner=second)]
    record = merge(one, other)
    world.follows(3)
    # Whichever owner takes their seat back, the other one's goes on.
    end_seat(seat_id=seats[0].pk, reason="taken_back", at=moment(6), actor=None)
    world.follows(6)
    assert spans(one)[-1][1] == spans(second)[-1][1]
    unmerge_members(actor=None, at=moment(7), record_id=record.pk)
    world.follows(7)
    assert spans(other)[-1][1] == spans(second)[-1][1]
    assert list(Seat.objects.open().of_owner(second.pk)) == [seats[1]]


def test_a_surplus_of_seats_waits_a_day_and_is_work(world):
    second = world.member()
    world.buys(second, world.family, 0)
    holders = [world.member() for _ in range(4)]
    for holder, owner in zip(holders, [world.owner, world.owner, second, second], strict=True):
        world.gives(holder, owner=owner)
    merge(world.owner, second)
    world.follows(2.5)
    assert Seat.objects.open().count() == 4
    assert [item.count for item in surplus_seats(None, moment(2.5))] == [2]
    world.follows(3.5)
    assert [seat.member for seat in Seat.objects.open().order_by("pk")] == holders[:2]
    assert list(surplus_seats(None, moment(3.5))) == []
