"""The invariants of seats hold of what the operations make, and find a row that is broken on purpose."""

import pytest

from entitlements.checks.operations.checking import find_offences
from entitlements.seats.models import Seat
from entitlements.seats.operations.seating import end_seat
from members.terms.models import MembershipTerm
from tests.entitlements.seats.world import Families
from tests.members.world import moment

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    world = Families(seats=1)
    end_seat(seat_id=world.gives(world.member()).pk, reason="left", at=moment(2), actor=None)
    world.gives(world.member(), 3)
    assert codes() == set()
    return world


def codes():
    return {finding.check.code for finding in find_offences()}


def test_more_seats_than_were_brought(world):
    Seat.objects.create(group=Seat.objects.latest("pk").group, member=world.member(), given_at=moment(3))
    assert codes() == {"seats_within_the_plan"}


def test_cover_that_outlasts_its_seat(world):
    term = MembershipTerm.objects.get(seat_term__seat__end_reason="left")
    MembershipTerm.objects.filter(pk=term.pk).update(closed_at=None, close_reason="")
    assert codes() == {"lent_cover_ends_with_its_seat"}
