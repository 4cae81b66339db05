"""A seat that cannot follow its owner is work for a person until it can, or is taken back."""

import pytest
from django.db import OperationalError
from django.urls import reverse
from django.utils import translation

from config.console.work import work_for
from config.staff.access import Role
from config.staff.models import User
from entitlements.seats.models import Seat, SeatFault
from entitlements.seats.operations import seating
from tests.entitlements.seats.world import Families, spans
from tests.members.world import moment

pytestmark = pytest.mark.django_db


class Stuck(Families):
    """Two seats, the first of which cannot follow a renewal on day 20: its order number is somebody else's."""

    def __init__(self) -> None:
        super().__init__()
        self.holder, self.other = self.member(), self.member()
        self.bad, self.good = self.gives(self.holder), self.gives(self.other)
        self.renewed = self.buys(self.owner, self.family, 20)
        number = f"house:seat:{self.bad.pk}:{self.renewed.pk}"
        self.blocking = self.buys(self.member(), self.month, 20, external_ref=number)


@pytest.fixture
def world():
    return Stuck()


def faults():
    return {fault.seat_id: (fault.code, fault.found_at, fault.tried_at) for fault in SeatFault.objects.open()}


def work(day):
    return [item for item in work_for(User(role=Role.VIEWER), moment(day)) if item.href == reverse("seats:stuck")]


def test_it_is_kept_since_when_and_why(world):
    assert world.follows(20) == 0
    assert faults() == {world.bad.pk: ("external_ref_taken", moment(20), moment(20))}
    world.follows(21)
    assert faults() == {world.bad.pk: ("external_ref_taken", moment(20), moment(21))}


def test_it_is_gone_as_soon_as_it_follows(world):
    world.follows(20)
    type(world.blocking).objects.filter(pk=world.blocking.pk).update(external_ref="mine")
    assert world.follows(21) == 1
    assert faults() == {}
    assert spans(world.holder)[-1][1] == world.renewed.ends_at


def test_it_is_gone_when_there_is_nothing_to_follow_any_more(world):
    world.follows(20)
    type(world.renewed).objects.filter(pk=world.renewed.pk).delete()
    world.follows(21)
    assert faults() == {}
    assert Seat.objects.open().filter(pk=world.bad.pk).exists()


def test_taken_back_and_given_again_it_has_cover(world):
    world.follows(20)
    seating.end_seat(seat_id=world.bad.pk, reason="taken_back", at=moment(21), actor=None)
    assert faults() == {}
    world.gives(world.holder, 21)
    assert spans(world.holder)[-1][1] == world.renewed.ends_at
    assert world.follows(21) == 1
    assert not SeatFault.objects.exists()
    assert world.follows(21) == 0


def test_an_owner_of_whom_nothing_can_be_put_right_is_kept_and_passed_over(world, monkeypatch):
    third = world.member()
    other_owner = world.member()
    world.buys(other_owner, world.family, 0)
    world.gives(third, owner=other_owner)
    renewed = world.buys(other_owner, world.family, 20)
    follow_owner = seating.follow_owner

    def fail(*, owner_id, at):
        if owner_id == world.owner.pk:
            raise OperationalError("deadlock detected")
        return follow_owner(owner_id=owner_id, at=at)

    monkeypatch.setattr(seating, "follow_owner", fail)
    assert world.follows(20) == 1
    assert spans(third)[-1][1] == renewed.ends_at
    assert {pk: code for pk, (code, *_) in faults().items()} == {world.bad.pk: "database", world.good.pk: "database"}
    monkeypatch.undo()
    world.follows(21)
    assert faults().keys() == {world.bad.pk}


def test_it_is_work_for_a_person(world):
    assert work(20) == []
    world.follows(20)
    (item,) = work(20)
    assert (item.count, item.count_href, item.kind) == (1, reverse("seats:stuck"), "bad")
    with translation.override("zh-hans"):
        (item,) = work(20)
        assert (item.title, item.action) == ("有席位无法跟随主会员", "去处理")


def test_the_page_says_why_and_leads_to_what_to_do(world, operator_client, viewer_client):
    world.follows(20)
    page = operator_client.get(reverse("seats:stuck")).content.decode()
    assert "Another booking has the order number of this cover." in page
    assert reverse("seats:end", args=[world.bad.pk]) in page
    assert reverse("seats:owner", args=[world.owner.pk]) in page
    assert reverse("seats:end", args=[world.good.pk]) not in page
    assert "Cannot follow" in operator_client.get(reverse("seats:owner", args=[world.owner.pk])).content.decode()
    assert reverse("seats:end", args=[world.bad.pk]) not in viewer_client.get(reverse("seats:stuck")).content.decode()
    seating.end_seat(seat_id=world.bad.pk, reason="taken_back", at=moment(21), actor=None)
    assert "Every seat follows its owner" in viewer_client.get(reverse("seats:stuck")).content.decode()
