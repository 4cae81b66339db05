"""``alias``, two members named by one message, and what comes in late about a profile."""

from datetime import timedelta

import pytest

from members.events.models import Event, ParkedEvent
from members.merging.models import DuplicatePair
from members.people.models import Identity, Member
from members.people.operations import people
from tests.members.events.conftest import AT, track

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def alias(previous, user, n="a1", **rest):
    return {"type": "alias", "previousId": previous, "userId": user, "messageId": n, **rest}


def known(**identities):
    return people.create_member(actor=None, at=AT - DAY, identities=identities)


def pairs():
    return [(p.member_a_id, p.member_b_id, p.reasons) for p in DuplicatePair.objects.order_by("pk")]


def test_a_former_visitor_is_tied_and_her_events_come_along(send):
    member = known(external_id="u1")
    send([{"type": "track", "anonymousId": "v1", "event": "opened", "messageId": "m0"}])
    assert send(alias("v1", "u1"), kind="alias").json() == {"success": True}
    assert Identity.objects.get(kind="anonymous_id", value="v1").member_id == member.pk
    assert Event.objects.get().member_id == member.pk
    assert pairs() == []
    assert not ParkedEvent.objects.exists()


def test_two_known_members_are_a_likely_duplicate_and_never_merged(send):
    one, other = known(external_id="old"), known(external_id="u1")
    for n in range(2):
        send([alias("old", "u1", n=f"a{n}")])
    assert pairs() == [(one.pk, other.pk, ["alias"])]
    assert Member.objects.count() == 2
    assert not Identity.objects.filter(kind="anonymous_id").exists()


def test_the_same_alias_again_does_not_bring_a_dismissed_pair_back(send, admin):
    known(external_id="old"), known(external_id="u1")
    send([alias("old", "u1")])
    DuplicatePair.objects.update(dismissed_at=AT, dismissed_by=admin)
    send([alias("old", "u1", n="a2")])
    assert not DuplicatePair.objects.open().exists()


def test_an_alias_is_no_event_and_needs_both_ids(send):
    known(external_id="u1")
    answer = send([alias("v1", "u1"), {"type": "alias", "userId": "u1"}, alias({"a": 1}, "u1", n="x")]).json()
    assert [row["reason"] for row in answer["rejected"]] == ["no_identity", "identity"]
    assert not Event.objects.exists()


def test_an_alias_about_somebody_unknown_waits_and_is_no_event_then(send, source):
    source.creates_members = False
    source.save()
    other = known(external_id="v1")
    answer = send([alias("v1", "later"), alias("v2", "later", n="a2")]).json()
    assert answer["parked"] == 2
    member = known(external_id="later")
    assert Identity.objects.get(kind="anonymous_id").value == "v2"
    assert pairs() == [(other.pk, member.pk, ["alias"])]
    assert not Event.objects.exists()
    assert not ParkedEvent.objects.exists()


def test_one_device_under_two_members(send):
    one, other = known(external_id="u1"), known(external_id="u2")
    send([track(1, user="u1", anonymousId="v1"), track(2, user="u2", anonymousId="v1")])
    assert pairs() == [(one.pk, other.pk, ["anonymous_id"])]
    assert Event.objects.filter(member=other).count() == 1


def test_an_address_of_somebody_else_is_left_alone_and_noted(send):
    one = known(external_id="u1", phone="13800000001")
    other = known(external_id="u2")
    send([{"type": "identify", "userId": "u2", "messageId": "i", "traits": {"phone": "+86 138 0000 0001"}}])
    assert pairs() == [(one.pk, other.pk, ["phone"])]
    assert not other.identities.filter(kind="phone").exists()


def said(city, at, n):
    return {"type": "identify", "userId": "u1", "messageId": n, "timestamp": at.isoformat(), "traits": {"city": city}}


def test_late_news_overwrites_neither_later_news_nor_what_a_person_set(send):
    member = known(external_id="u1", email="a@example.com")
    city = Member.objects.filter(pk=member.pk).values_list("city", flat=True)
    send([said("Wuhan", AT - 2 * DAY, "i1")])
    send([said("Xi'an", AT - 3 * DAY, "i2")])
    assert city.get() == "Wuhan"
    people.edit_member(
        member_id=member.pk, actor=None, at=AT - DAY, city="Lhasa", identities={"email": "b@example.com"}
    )
    late = said("Harbin", AT - DAY - timedelta(hours=1), "i3")
    late["traits"]["email"] = "c@example.com"
    send([late])
    assert city.get() == "Lhasa"
    assert member.identities.get(kind="email").value == "b@example.com"
    send([said("Dalian", AT - DAY + timedelta(hours=1), "i4")])
    assert city.get() == "Dalian"


def test_an_edit_of_one_field_does_not_hold_up_news_about_another(send):
    member = known(external_id="u1")
    people.edit_member(member_id=member.pk, actor=None, at=AT, channel="shop", city="")
    send([said("Wuhan", AT - DAY, "i1")])
    assert Member.objects.get(pk=member.pk).city == "Wuhan"
