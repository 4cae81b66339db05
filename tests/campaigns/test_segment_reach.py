"""Who can be reached, as segments count it."""

import pytest

from campaigns.models import Channel, Suppression
from members.people.models import Consent, Member
from members.segments.preview import detail
from members.segments.reach import REACHES, joined
from members.segments.schema import read_rule
from tests import factories


def reached(channel):
    found = REACHES.get(channel)
    return set(joined(Member.objects.all(), [found]).filter(found.reachable()).values_list("pk", flat=True))


@pytest.fixture
def members(db, at):
    return [factories.make_member(at=at) for _ in range(3)]


def address(member):
    return member.identities.get(kind="email").value


def test_a_suppressed_address_is_not_reached(members, at):
    fine, suppressed, lifted = members
    Suppression.objects.create(channel="email", address=address(suppressed), cause="refused", since=at)
    Suppression.objects.create(channel="email", address=address(lifted), cause="refused", since=at, lifted_at=at)
    assert reached("email") == {fine.pk, lifted.pk}
    assert reached("sms") == {member.pk for member in members}


def test_silence_is_consent_only_where_the_channel_says_so(members, at):
    silent, agreed, refused = members
    Consent.objects.create(member=agreed, channel="email", is_granted=True, changed_at=at, source="test")
    Consent.objects.create(member=refused, channel="email", is_granted=False, changed_at=at, source="test")
    Channel.objects.update_or_create(code="email", defaults={"default_consent": True})
    assert reached("email") == {silent.pk, agreed.pk}
    Channel.objects.filter(code="email").update(default_consent=False)
    assert reached("email") == {agreed.pk}


def test_a_former_address_reaches_nobody(members, at):
    kept, lost, _ = members
    lost.identities.filter(kind="email").update(is_former=True)
    assert kept.pk in reached("email")
    assert lost.pk not in reached("email")


def test_members_count_once_whatever_they_said_of_how_many_channels(members, at):
    for channel, is_granted in (("email", True), ("sms", False), ("in_app", False)):
        for member in members[:2]:
            Consent.objects.create(member=member, channel=channel, is_granted=is_granted, changed_at=at, source="test")
    Suppression.objects.create(channel="email", address=address(members[0]), cause="refused", since=at)
    rule = read_rule(
        {"version": 1, "root": {"kind": "all", "items": [{"kind": "membership.auto_renewal", "on": False}]}}
    )
    measured = detail(rule, at=at)
    counts = {reached.reach.code: reached.count for reached in measured.channels}
    assert (measured.total, measured.reached_by_any) == (3, 2)
    assert counts == {"email": 2, "sms": 1, "in_app": 1}
