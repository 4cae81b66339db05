"""Who may be one person: each sign, its spelling, its bounds, and what a dismissal means."""

from datetime import timedelta

import pytest
from django.db import connection

from members.merging.models import DuplicatePair
from members.merging.operations import finding
from members.merging.operations.finding import dismiss_pair, find_duplicates, reopen_pair
from members.merging.querysets.finding import MAX_GROUP
from members.merging.rules import WEIGHTS, strength_of
from members.people.models import Identity
from members.people.operations import people
from tests.conftest import AT

pytestmark = pytest.mark.django_db
Reason = DuplicatePair.Reason


def person(identities=None, **profile):
    return people.create_member(actor=None, at=AT, identities=identities or {}, **profile)


def test_every_reason_has_a_weight():
    assert set(WEIGHTS) == set(Reason.values)


@pytest.mark.parametrize(
    ("reason", "one", "other"),
    [
        ("phone", {"identities": {"phone": "13800000001"}}, {"attributes": {"mobile": "+86 138-0000-0001"}}),
        ("phone", {"identities": {"phone": "0086 13800000001"}}, {"identities": {"phone": "13800000001"}}),
        ("phone", {"identities": {"phone": "+4915112345678"}}, {"attributes": {"手机": "004915112345678"}}),
        ("email", {"identities": {"email": "li.na@gmail.com"}}, {"identities": {"email": "LiNa+shop@googlemail.com"}}),
        ("email", {"identities": {"email": "li@mail.cn"}}, {"identities": {"email": "li+x@mail.cn"}}),
        ("openid", {"identities": {"openid": "oA"}}, {"attributes": {"openid": " oA "}}),
        ("unionid", {"identities": {"unionid": "uA"}}, {"attributes": {"wechat_unionid": "uA"}}),
        (
            "name_birthday",
            {"display_name": "Li Na", "birthday_on": "1990-01-02"},
            {"display_name": " li na", "birthday_on": "1990-01-02"},
        ),
        ("name_city", {"display_name": "Li Na", "city": "Wuhan"}, {"display_name": "Li Na", "city": "wuhan "}),
    ],
)
def test_a_shared_sign_makes_a_pair(reason, one, other):
    a, b = person(**one), person(**other)
    assert find_duplicates(at=AT) == 1
    pair = DuplicatePair.objects.open().get()
    assert (pair.member_a_id, pair.member_b_id) == (a.pk, b.pk)
    assert pair.reasons == [reason]
    assert pair.strength == strength_of([reason])
    assert find_duplicates(at=AT) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"identities": {"email": "li.na@mail.cn"}}, {"identities": {"email": "lina@mail.cn"}}),
        ({"identities": {"phone": "13800000001"}}, {"identities": {"phone": "13800000002"}}),
        ({"attributes": {"mobile": "none"}}, {"attributes": {"mobile": "none"}}),
        ({"display_name": "Li", "city": ""}, {"display_name": "Li", "city": ""}),
    ],
)
def test_what_is_no_sign(one, other):
    person(**one), person(**other)
    assert find_duplicates(at=AT) == 0


def test_a_value_of_many_is_a_placeholder():
    for _ in range(MAX_GROUP + 1):
        person(attributes={"phone": "13800000000"})
    assert find_duplicates(at=AT) == 0


def test_reasons_add_up_and_a_dismissed_pair_comes_back_only_for_a_new_one(operator):
    a, b = person({"phone": "13800000001"}), person(attributes={"phone": "13800000001"})
    find_duplicates(at=AT)
    pair = DuplicatePair.objects.get()
    assert dismiss_pair(pair_id=pair.pk, actor=operator, at=AT)
    assert not dismiss_pair(pair_id=pair.pk, actor=operator, at=AT)
    assert find_duplicates(at=AT + timedelta(days=1)) == 0
    assert not DuplicatePair.objects.open().exists()
    for member in (a, b):
        type(member).objects.filter(pk=member.pk).update(display_name="Li Na", city="Wuhan")
    assert find_duplicates(at=AT + timedelta(days=2)) == 1
    pair = DuplicatePair.objects.open().get()
    assert pair.reasons == ["name_city", "phone"]
    assert pair.strength == 100
    assert pair.dismissed_by is None


def test_a_dismissal_is_taken_back(operator):
    person({"phone": "13800000001"}), person(attributes={"phone": "13800000001"})
    find_duplicates(at=AT)
    pair = DuplicatePair.objects.get()
    assert not reopen_pair(pair_id=pair.pk, actor=operator, at=AT)
    dismiss_pair(pair_id=pair.pk, actor=operator, at=AT)
    assert reopen_pair(pair_id=pair.pk, actor=operator, at=AT)
    assert DuplicatePair.objects.open().exists()


def test_an_identity_of_its_own_is_no_pair():
    member = person({"phone": "13800000001"}, attributes={"phone": "+86 13800000001"})
    Identity.objects.create(member=member, kind="openid", value="o1", created_at=AT)
    assert find_duplicates(at=AT) == 0


def test_a_reason_that_takes_too_long_does_not_hold_up_the_others(monkeypatch):
    looked_at = []

    def slow_at_first(reason, *, at):
        looked_at.append(reason)
        if len(looked_at) == 1:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(5)")
        return 1

    monkeypatch.setattr(finding, "SECONDS", 0.05)
    monkeypatch.setattr(finding, "find_pairs", slow_at_first)
    assert finding.find_duplicates(at=AT) == len(looked_at) - 1 > 0
