"""Seats at the door for programs: listed, given, taken back, and refused with the reason."""

import pytest

from entitlements.seats.models import Seat
from entitlements.seats.operations.plans import save_seat_plan
from members.events.operations.keys import make_key
from members.terms.models import MembershipTerm
from tests import factories
from tests.entitlements.usage.conftest import AT, DAY, call, id_of, secret

__all__ = ["call", "secret"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(db):
    plan = factories.PlanFactory(code="family")
    save_seat_plan(plan=plan, kind="family", seats=2, tier=None, actor=None, at=AT)
    member = factories.make_member(at=AT - DAY)
    factories.make_term(member=member, plan=plan, at=AT - DAY)
    return member


@pytest.fixture
def seats(owner):
    return f"/api/v1/members/{id_of(owner)}/seats"


@pytest.fixture
def holder(db):
    return factories.make_member(at=AT - DAY)


def test_given_listed_and_taken_back(call, seats, holder):
    given = call("POST", seats, {"member": id_of(holder)})
    assert given.status_code == 200
    told = given.json()
    assert told == {
        "seat": Seat.objects.get().pk, "member": id_of(holder), "given_at": "2026-11-16T04:00:00Z", "ended_at": None,
        "end_reason": None,
    }  # fmt: skip
    listed = call("GET", seats).json()
    assert listed == {"brought": 2, "held": 1, "seats": [told], "next_cursor": None}
    ended = call("DELETE", f"{seats}/{told['seat']}", at=AT + DAY)
    assert ended.status_code == 200
    assert ended.json() == told | {"ended_at": "2026-11-17T04:00:00Z", "end_reason": "taken_back"}
    assert call("GET", seats).json()["seats"] == []
    assert MembershipTerm.objects.get(member=holder).closed_at == AT + DAY


def test_each_is_the_same_a_second_time(call, seats, holder):
    given = [call("POST", seats, {"member": id_of(holder)}, at=AT + n * DAY).json() for n in range(2)]
    assert given[0] == given[1]
    address = f"{seats}/{given[0]['seat']}?by=holder"
    ended = [call("DELETE", address, at=AT + n * DAY).json() for n in (2, 3)]
    assert ended[0] == ended[1]
    assert ended[0]["end_reason"] == "left"
    assert Seat.objects.count() == 1


def test_refusals_say_why_and_change_nothing(call, seats, owner, holder):
    def refused(status, code, answer):
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    refused(404, "unknown_holder", call("POST", seats, {"member": "nobody"}))
    refused(400, "member", call("POST", seats, {"member": 7}))
    refused(409, "seat_self", call("POST", seats, {"member": id_of(owner)}))
    refused(404, "unknown_member", call("GET", "/api/v1/members/nobody/seats"))
    refused(409, "seat_brings_none", call("POST", f"/api/v1/members/{id_of(holder)}/seats", {"member": id_of(owner)}))
    refused(404, "unknown_seat", call("DELETE", f"{seats}/999"))
    assert Seat.objects.count() == 0
    assert MembershipTerm.objects.count() == 1


def test_a_seat_is_taken_back_by_its_owner_alone(call, seats, holder):
    seat = call("POST", seats, {"member": id_of(holder)}).json()["seat"]
    other = factories.make_member(at=AT - DAY)
    assert call("DELETE", f"/api/v1/members/{id_of(other)}/seats/{seat}").status_code == 404
    assert call("DELETE", f"{seats}/{seat}?by=anybody").status_code == 400
    assert Seat.objects.open().count() == 1


def test_without_a_key_for_benefits_there_is_no_door(call, client, seats, holder, admin):
    assert client.get(seats).status_code == 401
    secret = make_key(
        source_id=factories.SourceFactory().pk, label="Events", scopes=["events"], actor=admin, at=AT - DAY
    )[1]
    headers = {"authorization": f"Bearer {secret}"}
    assert call("POST", seats, {"member": id_of(holder)}, **headers).status_code == 403
    assert Seat.objects.count() == 0


def test_a_long_list_comes_in_pages(call, seats, owner, monkeypatch):
    monkeypatch.setattr("entitlements.seats.api.views.PAGE", 1)
    for _ in range(2):
        call("POST", seats, {"member": id_of(factories.make_member(at=AT - DAY))})
    first = call("GET", seats).json()
    second = call("GET", f"{seats}?cursor={first['next_cursor']}").json()
    assert (first["held"], len(first["seats"]), second["next_cursor"]) == (2, 1, None)
    assert first["seats"][0]["seat"] > second["seats"][0]["seat"]
