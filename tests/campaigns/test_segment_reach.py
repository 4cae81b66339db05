"""Who can be reached, as segments count it."""

import pytest

from campaigns.models import Channel, Suppression
from members.models import Consent, Member
from members.segments.reach import reaches
from tests import factories


def reached(channel, at):
    found = next(reach for reach in reaches() if reach.code == channel)
    return set(Member.objects.filter(found.reachable(at)).values_list("pk", flat=True))


@pytest.fixture
def members(db, at):
    return [factories.make_member(at=at) for _ in range(3)]


def address(member):
    return member.identities.get(kind="email").value


def test_a_suppressed_address_is_not_reached(members, at):
    fine, suppressed, lifted = members
    Suppression.objects.create(channel="email", address=address(suppressed), cause="refused", since=at)
    Suppression.objects.create(channel="email", address=address(lifted), cause="refused", since=at, lifted_at=at)
    assert reached("email", at) == {fine.pk, lifted.pk}
    assert reached("sms", at) == {member.pk for member in members}


def test_silence_is_consent_only_where_the_channel_says_so(members, at):
    silent, agreed, refused = members
    Consent.objects.create(member=agreed, channel="email", is_granted=True, changed_at=at, source="test")
    Consent.objects.create(member=refused, channel="email", is_granted=False, changed_at=at, source="test")
    Channel.objects.update_or_create(code="email", defaults={"default_consent": True})
    assert reached("email", at) == {silent.pk, agreed.pk}
    Channel.objects.filter(code="email").update(default_consent=False)
    assert reached("email", at) == {agreed.pk}
