"""Whoever is merged takes along the seats she gives and the one she holds."""

import pytest

from entitlements.seats.models import Seat
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
