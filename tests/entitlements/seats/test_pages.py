"""The pages of seats, as an operator uses them and a viewer may not."""

from datetime import timedelta

import pytest
from django.urls import reverse

from entitlements.seats.models import Seat, SeatPlan
from entitlements.seats.operations import seating
from entitlements.seats.operations.plans import save_seat_plan
from members.people.console import timeline
from members.terms.models import MembershipTerm
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]


@pytest.fixture
def owner(now):
    plan = factories.PlanFactory(code="family", name="Family")
    save_seat_plan(plan=plan, kind="family", seats=2, tier=None, actor=None, at=now)
    member = factories.make_member(at=now)
    factories.make_term(member=member, plan=plan, at=now)
    return member


@pytest.fixture
def holder(now):
    return factories.make_member(at=now, display_name="Zhou Qing", identities={"external_id": "zhou-1"})


def text(response, status=200):
    assert response.status_code == status, response
    return response.content.decode()


def test_a_seat_is_given_seen_by_both_and_taken_back(operator_client, owner, holder):
    assert "0 of 2 in use" in text(operator_client.get(owner.get_absolute_url()))
    give = reverse("seats:give", args=[owner.pk])
    assert operator_client.post(give, {"who": "zhou-1"})["Location"] == reverse("seats:owner", args=[owner.pk])
    seat = Seat.objects.get()
    assert "1 of 2 in use" in text(operator_client.get(owner.get_absolute_url()))
    page = text(operator_client.get(holder.get_absolute_url()))
    assert "Seat of" in page
    assert owner.get_absolute_url() in page
    end = reverse("seats:end", args=[seat.pk])
    assert "ends at once" in text(operator_client.get(end))
    operator_client.post(end, {"reason": "left"})
    seat.refresh_from_db()
    assert seat.end_reason == "left"
    assert "has ended already" in text(operator_client.get(end))
    assert "Left" in text(operator_client.get(reverse("seats:owner", args=[owner.pk]) + "?which=ended"))


def test_of_several_found_one_is_chosen(operator_client, owner, holder, now):
    factories.make_member(at=now, display_name="Zhou Qingyu")
    give = reverse("seats:give", args=[owner.pk])
    page = text(operator_client.post(give, {"who": "Zhou Qing"}))
    assert "Who is meant?" in page
    assert not Seat.objects.exists()
    operator_client.post(give, {"member": holder.pk})
    assert Seat.objects.get().member == holder


def test_a_number_or_identity_in_full_means_that_member(operator_client, owner, holder, now):
    factories.make_member(at=now, display_name=f"Number {holder.pk}", identities={"external_id": "zhou-12"})
    for who in (str(holder.pk), "zhou-1"):
        operator_client.post(reverse("seats:give", args=[owner.pk]), {"who": who})
        seat = Seat.objects.get()
        assert seat.member == holder
        seat.delete()
        MembershipTerm.objects.filter(member=holder).delete()


def test_the_owner_and_who_has_a_seat_of_hers_are_no_choice(operator_client, owner, holder, now):
    type(owner).objects.filter(pk=owner.pk).update(display_name="Zhou Qingyi")
    seating.give_seat(owner_id=owner.pk, member_id=holder.pk, at=now, actor=None)
    give = reverse("seats:give", args=[owner.pk])
    other = factories.make_member(at=now, display_name="Zhou Qingyu")
    operator_client.post(give, {"who": "Zhou Qing"})
    assert {seat.member_id for seat in Seat.objects.open()} == {holder.pk, other.pk}
    assert "a seat is for somebody else" in text(operator_client.post(give, {"who": "Zhou Qingyi"}), 422)


def test_a_refusal_says_what_to_do(operator_client, owner, holder, now):
    give = reverse("seats:give", args=[owner.pk])
    for posted, words in (
        ({}, "Say who gets the seat."),
        ({"who": "nobody-at-all"}, "Nobody was found."),
        ({"member": owner.pk}, "a seat is for somebody else"),
    ):
        assert words in text(operator_client.post(give, posted), 422)
    factories.make_term(member=holder, at=now)
    assert "a membership of their own" in text(operator_client.post(give, {"who": "zhou-1"}), 422)
    assert not Seat.objects.exists()


def test_owners_are_listed_by_room_plan_and_kind(viewer_client, owner, holder, now):
    other = factories.make_member(at=now)
    factories.make_term(member=other, plan=factories.PlanFactory(code="family"), at=now)
    for member in (holder, factories.make_member(at=now)):
        seating.give_seat(owner_id=owner.pk, member_id=member.pk, at=now, actor=None)
    index = reverse("seats:index")

    def owners(query):
        page = text(viewer_client.get(f"{index}?{query}"))
        return {pk for pk in (owner.pk, other.pk) if f'href="{reverse("seats:owner", args=[pk])}"' in page}

    plan = SeatPlan.objects.get().plan_id
    assert owners("") == owners(f"plan={plan}") == owners("kind=family") == {owner.pk, other.pk}
    assert owners("room=free") == {other.pk}
    assert owners("room=full") == {owner.pk}
    assert owners("kind=team") == owners("plan=0") == set()


def test_an_admin_sets_the_seats_of_a_plan(admin_client, operator_client, owner, holder, now):
    address = reverse("seats:plan", args=[SeatPlan.objects.get().plan_id])
    form = {"kind": "team", "seats": "5", "tier": ""}
    assert operator_client.post(address, form).status_code == 403
    assert SeatPlan.objects.get().seats == 2
    admin_client.post(address, form)
    assert (SeatPlan.objects.get().seats, SeatPlan.objects.get().kind) == (5, "team")
    seating.give_seat(owner_id=owner.pk, member_id=holder.pk, at=now, actor=None)
    assert "has given 1." in text(admin_client.post(address, form | {"seats": "0"}), 422)


def test_a_viewer_gives_and_ends_nothing(viewer_client, owner, holder, now):
    assert viewer_client.post(reverse("seats:give", args=[owner.pk]), {"member": holder.pk}).status_code == 403
    assert not Seat.objects.exists()
    seat = seating.give_seat(owner_id=owner.pk, member_id=holder.pk, at=now, actor=None)
    assert viewer_client.post(reverse("seats:end", args=[seat.pk]), {"reason": "left"}).status_code == 403
    assert Seat.objects.open().exists()
    assert MembershipTerm.objects.covering(now).filter(member=holder).exists()
    assert "Take back" not in text(viewer_client.get(owner.get_absolute_url()))


def test_both_timelines_tell_it(owner, holder, now):
    seat = seating.give_seat(owner_id=owner.pk, member_id=holder.pk, at=now, actor=None)
    seating.end_seat(seat_id=seat.pk, reason="left", at=now + timedelta(hours=1), actor=None)

    def told(member):
        page = timeline.read(member.pk, until=now + timedelta(days=1), only="seat", before=None, limit=9)
        return [(entry.title, entry.href) for entry in page.entries]

    assert told(holder) == [(title, owner.get_absolute_url()) for title in ("Seat ended: Left", "Got a seat")]
    assert told(owner) == [(title, holder.get_absolute_url()) for title in ("Seat ended: Left", "Gave a seat")]
