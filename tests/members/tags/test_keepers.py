"""A tag is carried while a person, a rule or the engine says so, and each takes back only what it said."""

from datetime import UTC, datetime, timedelta

import pytest

from config.engine.refusal import Refused
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from members.people.models import Member
from members.tags.models import MemberTag, Tag, TagSize
from members.tags.operations.carrying import give_tag, take_tag
from members.tags.operations.refreshing import refresh_tag
from members.tags.operations.saving import save_tag, switch_off
from members.terms.operations import terms
from tests import factories
from tests.members.tags.test_tags import rule
from tests.members.world import World, moment, state

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


def city_tag():
    return save_tag(
        rule=rule({"kind": "profile.city", "values": ["x"]}), name="From X", kind="custom", actor=None, at=AT
    )


def carried(member, tag):
    return MemberTag.objects.current().filter(member=member, code=tag.code).first()


def live(member, city):
    Member.objects.filter(pk=member.pk).update(city=city)


@pytest.mark.parametrize("hand_first", [True, False])
def test_a_tag_by_rule_and_by_hand_goes_when_neither_says_it_any_more(member, operator, hand_first):
    tag = city_tag()
    if hand_first:
        give_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT, reason="asked")
    live(member, "x")
    refresh_tag(tag_id=tag.pk, at=AT + MINUTE)
    if not hand_first:
        give_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT + MINUTE, reason="asked")
    assert MemberTag.objects.filter(member=member, code=tag.code).count() == 1
    assert (carried(member, tag).said_by, carried(member, tag).given_at is not None) == (["rule"], True)
    live(member, "y")
    refresh_tag(tag_id=tag.pk, at=AT + 2 * MINUTE)
    assert (carried(member, tag).said_by, carried(member, tag).evidence["reason"]) == ([], "asked")
    live(member, "x")
    refresh_tag(tag_id=tag.pk, at=AT + 3 * MINUTE)
    take_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT + 4 * MINUTE)
    assert (carried(member, tag).said_by, carried(member, tag).given_at) == (["rule"], None)
    with pytest.raises(Refused, match="not_given_by_hand"):
        take_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT + 5 * MINUTE)
    live(member, "y")
    refresh_tag(tag_id=tag.pk, at=AT + 6 * MINUTE)
    assert carried(member, tag) is None
    # Whoever says so besides, it is one member who came and went.
    refresh_tag(tag_id=tag.pk, at=AT + 7 * MINUTE)
    assert sum(size.entered for size in TagSize.objects.filter(tag=tag)) == 1
    assert sum(size.left for size in TagSize.objects.filter(tag=tag)) == 1


def test_a_tag_switched_off_stays_with_whom_a_person_gave_it(member, operator):
    tag = city_tag()
    live(member, "x")
    refresh_tag(tag_id=tag.pk, at=AT)
    other = factories.make_member(at=AT)
    live(other, "x")
    refresh_tag(tag_id=tag.pk, at=AT + MINUTE)
    give_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT + MINUTE)
    switch_off(tag_id=tag.pk, actor=operator, at=AT + 2 * MINUTE)
    assert (carried(member, tag).said_by, carried(other, tag)) == ([], None)


@pytest.mark.parametrize("hand_first", [True, False])
def test_the_engine_does_not_end_what_a_person_gave_when_a_trial_ends(operator, hand_first):
    world = World(source_since=-400)
    member = world.member()
    tag = Tag.objects.get(code="high_frequency")
    if hand_first:
        give_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=moment(0), reason="asked")
    world.month.trial_days = 14
    terms.start_trial(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    world.active(member, list(range(9)))
    world.sweep(9)
    assert carried(member, tag).said_by == ["engine"]
    if not hand_first:
        give_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=moment(9), reason="asked")
    world.sweep(20)
    assert state(member).lifecycle_state != "trial"
    assert (carried(member, tag).said_by, carried(member, tag).given_at is not None) == ([], True)


def test_the_engine_ends_what_only_the_engine_gave():
    world = World(source_since=-400)
    member = world.member()
    world.month.trial_days = 14
    terms.start_trial(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    world.active(member, list(range(9)))
    world.sweep(9)
    world.sweep(20)
    ended = MemberTag.objects.get(member=member, code="high_frequency")
    assert (ended.until is not None, ended.until_cause, ended.said_by) == (True, "engine", [])


def test_a_merge_keeps_what_a_person_gave_and_its_undoing_gives_it_back(operator, admin):
    tag = city_tag()
    survivor, absorbed = factories.make_member(at=AT), factories.make_member(at=AT)
    live(survivor, "x")
    refresh_tag(tag_id=tag.pk, at=AT)
    give_tag(member_id=absorbed.pk, tag_id=tag.pk, actor=operator, at=AT, reason="asked")
    record = merge_members(actor=admin, at=AT + MINUTE, survivor_id=survivor.pk, absorbed_id=absorbed.pk)
    refresh_tag(tag_id=tag.pk, at=AT + 2 * MINUTE)
    assert (carried(survivor, tag).said_by, carried(survivor, tag).given_at) == (["rule"], AT)
    live(survivor, "y")
    refresh_tag(tag_id=tag.pk, at=AT + 3 * MINUTE)
    assert carried(survivor, tag) is not None, "only a person ends it"
    live(survivor, "x")
    refresh_tag(tag_id=tag.pk, at=AT + 4 * MINUTE)
    unmerge_members(actor=admin, at=AT + 5 * MINUTE, record_id=record.pk)
    refresh_tag(tag_id=tag.pk, at=AT + 6 * MINUTE)
    assert (carried(survivor, tag).said_by, carried(survivor, tag).given_at) == (["rule"], None)
    assert (carried(absorbed, tag).said_by, carried(absorbed, tag).given_at) == ([], AT)
