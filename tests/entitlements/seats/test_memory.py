"""Seats given and taken again and again: nothing that was kept multiplies."""

from datetime import timedelta

import pytest

from entitlements.grants.models import Balance, Grant
from entitlements.memory.models import EntitlementSnapshot
from entitlements.seats.operations.seating import end_seat
from members.terms.operations import terms
from tests.entitlements.seats.world import Families
from tests.entitlements.world import Ladder, settle
from tests.members.world import moment

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


class Scene:
    def __init__(self) -> None:
        self.world, self.ladder = Families(), Ladder()
        self.voucher = self.ladder.benefit("voucher", period="term")
        for tier in (self.world.gold, self.world.black):
            self.ladder.cell(tier, self.voucher, 4)
        self.member = self.world.member()
        self.world.brings(self.world.family, 2, tier=self.world.black)

    def vouchers(self, at):
        settle(self.member, at)
        row = Balance.objects.filter(member=self.member, benefit=self.voucher, is_open=True).first()
        return row.granted if row else 0


@pytest.mark.parametrize("has_memory", [False, True])
def test_a_seat_given_and_taken_again_and_again_gives_its_own_vouchers_and_no_more(has_memory):
    scene = Scene()
    if has_memory:
        scene.world.buys(scene.member, scene.world.month, -60)
        settle(scene.member, moment(-60))
        settle(scene.member, moment(-20))
        assert scene.member.snapshots.count() == 1
    for day in range(1, 7):
        at = moment(day)
        seat = scene.world.gives(scene.member, day)
        assert scene.vouchers(at) == 4
        end_seat(seat_id=seat.pk, reason="taken_back", at=at + HOUR, actor=None)
        assert scene.vouchers(at + HOUR) == 0
    assert not Grant.objects.filter(source="restore").exists()
    # What was lent is nobody's to remember.
    assert EntitlementSnapshot.objects.count() == has_memory
    terms.purchase(member_id=scene.member.pk, plan=scene.world.month, at=moment(8), actor=None)
    assert scene.vouchers(moment(8)) == (8 if has_memory else 4)
