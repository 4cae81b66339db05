"""Many at once: never more seats than the plan brings, nobody with two, no cover lent twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from entitlements.seats.models import Seat, SeatGroup
from entitlements.seats.operations import seating
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.entitlements.seats.world import Families
from tests.members.world import moment

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(works):
    """Run all on a few threads; how often each outcome came, refusals by their code."""

    def run(work):
        try:
            work()
        except Exception as error:
            return str(error)
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(run, works))
    return {outcome: found.count(outcome) for outcome in set(found)}


def test_fifty_givers_of_three_seats():
    world = Families(seats=3)
    members = [world.member() for _ in range(50)]
    found = at_once([lambda m=m: world.gives(m) for m in members])
    assert found == {"done": 3, "full": 47}
    assert Seat.objects.open().count() == 3
    assert SeatGroup.objects.count() == 1
    assert MembershipTerm.objects.filter(kind="lent").count() == 3


def test_one_member_asked_by_eight_owners_holds_one_seat():
    world = Families()
    owners = [world.member() for _ in range(8)]
    for owner in owners:
        world.buys(owner, world.family, 0)
    holder = world.member()
    found = at_once([lambda o=o: world.gives(holder, owner=o) for o in owners])
    assert found == {"done": 1, "has_seat": 7}


def test_passes_givers_takers_and_refunds_at_once_end_in_line():
    world = Families(seats=4)
    holders = [world.member() for _ in range(4)]
    seats = [world.gives(holder) for holder in holders[:3]]
    renewed = world.buys(world.owner, world.family, 5)
    follow = lambda: seating.follow_seats(at=moment(6))  # noqa: E731
    at_once(
        [
            follow, lambda: world.gives(holders[3], 6), follow,
            lambda: seating.end_seat(seat_id=seats[0].pk, reason="left", at=moment(6), actor=None), follow,
            lambda: terms.refund_term(term_id=renewed.pk, at=moment(6), actor=None, reason="R"), follow,
        ] * 2
    )  # fmt: skip
    follow()
    assert seating.follow_seats(at=moment(6)) == 0
    running = MembershipTerm.objects.covering(moment(7)).filter(kind="lent")
    assert set(running.values_list("member_id", flat=True)) == {holder.pk for holder in holders[1:]}
    assert not MembershipTerm.objects.upcoming(moment(6)).exists()
