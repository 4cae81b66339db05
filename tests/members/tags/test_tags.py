"""Tags as they are kept: saved, refreshed by difference, remembered, given by hand, switched off."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from config.engine.stays import horizon
from members.events.models import EventDefinition
from members.events.operations.recording import record_events
from members.people.models import Member
from members.segments.models import Segment
from members.segments.operations.saving import archive_segment, save_segment
from members.segments.schema import RuleInvalid, read_rule
from members.tags.console.portrait import carried_by, why
from members.tags.generators import OfEvent
from members.tags.models import MemberTag, Tag, TagSize, TagVersion
from members.tags.operations.carrying import give_tag, take_tag
from members.tags.operations.refreshing import VALUES_EVERY, refresh_due, refresh_tag
from members.tags.operations.saving import save_tag, switch_off, switch_on
from members.tags.querysets import CARRIES
from tests import factories

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def rule(*items):
    return read_rule({"version": 1, "root": {"kind": "all", "items": list(items)}})


def in_city(city):
    return {"kind": "profile.city", "values": [city]}


def carries(tag):
    return {"kind": "tag.carried", "values": [tag.code]}


def in_segment(segment):
    return {"kind": "segment.member", "segment": segment.pk}


def save(name="From X", *items, at=AT, **values):
    return save_tag(rule=rule(*(items or [in_city("x")])), name=name, kind="custom", actor=None, at=at, **values)


def stays(tag):
    return list(
        MemberTag.objects.filter(code=tag.code).order_by("since", "pk")
        .values_list("member_id", "since", "until", "cause", "until_cause", "rule_version")
    )  # fmt: skip


def test_members_come_and_go_with_when_and_why(member):
    tag = save()
    Member.objects.filter(pk=member.pk).update(city="x")
    assert refresh_tag(tag_id=tag.pk, at=AT)
    assert stays(tag) == [(member.pk, AT, None, "rule", "", 1)]
    assert not refresh_tag(tag_id=tag.pk, at=AT + MINUTE)
    Member.objects.filter(pk=member.pk).update(city="y")
    assert refresh_tag(tag_id=tag.pk, at=AT + 2 * MINUTE)
    assert stays(tag) == [(member.pk, AT, AT + 2 * MINUTE, "rule", "rule", 1)]
    Member.objects.filter(pk=member.pk).update(city="x")
    save("From X", in_city("x"), {"kind": "profile.registered", "when": {"op": "unknown"}}, tag_id=tag.pk, at=AT + DAY)
    assert refresh_tag(tag_id=tag.pk, at=AT + DAY)
    assert stays(tag)[1:] == [(member.pk, AT + DAY, None, "rule", "", 2)]
    sizes = TagSize.objects.filter(tag=tag).values_list("size", "entered", "left")
    assert list(sizes) == [(1, 1, 0), (0, 0, 1), (1, 1, 0)]
    tag.refresh_from_db()
    assert (tag.size, tag.refreshed_at, tag.failed_at) == (1, AT + DAY, None)


def test_an_earlier_instant_than_the_last_refresh_changes_nothing(member):
    tag = save()
    refresh_tag(tag_id=tag.pk, at=AT + MINUTE)
    Member.objects.filter(pk=member.pk).update(city="x")
    assert not refresh_tag(tag_id=tag.pk, at=AT)
    assert not stays(tag)


def test_a_rule_that_cannot_be_read_marks_the_tag_and_keeps_its_carriers(member):
    tag = save()
    Member.objects.filter(pk=member.pk).update(city="x")
    refresh_tag(tag_id=tag.pk, at=AT)
    Tag.objects.filter(pk=tag.pk).update(rule={"version": 1, "root": {"kind": "gone"}})
    refresh_tag(tag_id=tag.pk, at=AT + MINUTE)
    tag.refresh_from_db()
    assert tag.failed_at == AT + MINUTE
    assert stays(tag)[0][2] is None


def test_each_change_of_meaning_is_a_version_and_of_words_none(member, operator):
    tag = save()
    save(tag_id=tag.pk, name_zh="来自X", base_version=1)
    assert Tag.objects.get(pk=tag.pk).rule_version == 1
    save("From X", in_city("y"), tag_id=tag.pk, base_version=1, reason="moved", at=AT + DAY)
    numbers = TagVersion.objects.filter(tag=tag).values_list("number", "reason")
    assert list(numbers) == [(2, "moved"), (1, "")]
    with pytest.raises(Refused, match="stale"):
        save("From X", in_city("z"), tag_id=tag.pk, base_version=1)
    with pytest.raises(Refused, match="name_taken"):
        save("Full member")
    assert AuditEntry.objects.filter(action="tag.saved", target_id=str(tag.pk)).count() == 3


def test_by_hand_stays_whatever_the_rule_says_until_taken_by_hand(member, operator):
    tag = save()
    give_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT, reason="asked for it")
    refresh_tag(tag_id=tag.pk, at=AT + MINUTE)
    assert stays(tag) == [(member.pk, AT, None, "hand", "", None)]
    with pytest.raises(Refused, match="carried"):
        give_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT)
    take_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT + DAY)
    assert stays(tag) == [(member.pk, AT, AT + DAY, "hand", "hand", None)]
    actions = AuditEntry.objects.filter(member_id=member.pk, target_type="tag").order_by("pk")
    assert list(actions.values_list("action", "reason")) == [("tag.given", "asked for it"), ("tag.taken", "")]


def test_what_a_rule_or_the_engine_gives_is_not_taken_or_given_by_hand(member, operator):
    tag = save()
    Member.objects.filter(pk=member.pk).update(city="x")
    refresh_tag(tag_id=tag.pk, at=AT)
    with pytest.raises(Refused, match="not_given_by_hand"):
        take_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT)
    with pytest.raises(Refused, match="not_by_hand"):
        give_tag(member_id=member.pk, tag_id=Tag.objects.get(code="returned").pk, actor=operator, at=AT)
    assert stays(tag) == [(member.pk, AT, None, "rule", "", 1)]


def test_the_engine_gives_its_tags_beside_the_rule_and_the_database_says_who_took_them(member):
    MemberTag.objects.create(member=member, code="high_frequency", since=AT)
    tag = Tag.objects.get(code="high_frequency")
    refresh_tag(tag_id=tag.pk, at=AT + MINUTE)
    assert stays(tag) == [(member.pk, AT, None, "engine", "", None)]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE members_membertag SET until = %s WHERE code = 'high_frequency'", [AT + DAY])
    assert stays(tag) == [(member.pk, AT, AT + DAY, "engine", "engine", None)]
    with pytest.raises(Refused, match="engine"):
        switch_off(tag_id=Tag.objects.get(code="gifted").pk, actor=None, at=AT)


def test_switched_off_nobody_carries_it_by_rule_and_switched_on_they_do_again(member, operator):
    other = factories.make_member(at=AT - DAY)
    tag = save()
    Member.objects.filter(pk=member.pk).update(city="x")
    refresh_tag(tag_id=tag.pk, at=AT)
    give_tag(member_id=other.pk, tag_id=tag.pk, actor=operator, at=AT)
    switch_off(tag_id=tag.pk, actor=operator, at=AT + MINUTE)
    assert not refresh_tag(tag_id=tag.pk, at=AT + DAY)
    assert {row[0]: row[2] for row in stays(tag)} == {member.pk: AT + MINUTE, other.pk: None}
    assert MemberTag.objects.get(member=member, code=tag.code).until_cause == "off"
    switch_on(tag_id=tag.pk, actor=operator, at=AT + 2 * DAY)
    refresh_tag(tag_id=tag.pk, at=AT + 2 * DAY)
    assert MemberTag.objects.current().filter(code=tag.code).count() == 2


def test_what_reads_a_tag_keeps_it_on_and_what_a_tag_reads_is_not_archived():
    tag = save()
    segment = save_segment(rule=rule(carries(tag)), name="S", actor=None, at=AT)
    with pytest.raises(Refused, match="in_use"):
        switch_off(tag_id=tag.pk, actor=None, at=AT)
    save("Of S", in_segment(segment))
    with pytest.raises(Refused, match="in_use"):
        archive_segment(segment_id=segment.pk, actor=None, at=AT)
    assert Segment.objects.get(pk=segment.pk).archived_at is None
    assert Tag.objects.get(pk=tag.pk).is_enabled


def test_a_circle_through_a_segment_is_refused_from_either_side():
    tag = save()
    segment = save_segment(rule=rule(carries(tag)), name="S", actor=None, at=AT)
    with pytest.raises(RuleInvalid) as refused:
        save("From X", in_city("x"), in_segment(segment), tag_id=tag.pk)
    assert [(error.path, error.field) for error in refused.value.errors] == [((1,), "segment")]
    other = save("Of S", in_segment(segment))
    with pytest.raises(RuleInvalid):
        save_segment(rule=rule(carries(other)), name="S", actor=None, at=AT, segment_id=segment.pk)
    with pytest.raises(RuleInvalid) as refused:
        save("From X", carries(tag), tag_id=tag.pk)
    assert refused.value.errors[0].field == "values"
    assert Tag.objects.get(pk=tag.pk).rule_version == 1


def test_a_rule_about_a_tag_that_is_not_there_is_refused():
    with pytest.raises(RuleInvalid):
        save("A", {"kind": "tag.carried", "values": ["nothing"]})


def watch(member, category, number, at=AT):
    rows = [
        {"member_id": member.pk, "name": "content_viewed", "occurred_at": at - n * MINUTE,
         "message_id": f"{member.pk}-{category}-{n}-{at:%d}", "properties": {"category": category}}
        for n in range(1, number + 1)
    ]  # fmt: skip
    record_events(rows=rows, source=factories.SourceFactory(), at=at)


def of_member(member):
    return set(member.tags.current().filter(tag__parent__code="interest_category").values_list("tag__name", flat=True))


def test_a_value_that_members_often_have_becomes_a_tag(member):
    parent = Tag.objects.get(code="interest_category")
    watch(member, "yoga", 3)
    watch(member, "jazz", 2)
    other = factories.make_member(at=AT - DAY)
    watch(other, "yoga", 4)
    assert refresh_tag(tag_id=parent.pk, at=AT)
    assert of_member(member) == of_member(other) == {"yoga"}
    parent.refresh_from_db()
    assert (parent.size, Tag.objects.get(parent=parent).size) == (2, 2)
    assert parent.refreshed_at == AT
    assert list(TagSize.objects.filter(tag=parent).values_list("size", "entered", "left")) == [(2, 2, 0)]
    refresh_tag(tag_id=parent.pk, at=AT + 40 * DAY)
    assert of_member(member) == set()
    assert Tag.objects.get(parent=parent).size == 0
    assert not Tag.objects.offered().filter(parent=parent).exists()


def test_each_value_of_a_list_becomes_a_tag(member):
    watch(member, ["yoga", "jazz", "yoga"], 2)
    watch(member, "yoga", 1)
    refresh_tag(tag_id=Tag.objects.get(code="interest_category").pk, at=AT)
    assert of_member(member) == {"yoga"}


def test_only_the_most_frequent_values_become_tags(member, monkeypatch):
    monkeypatch.setattr("members.tags.operations.refreshing.MAX_VALUES", 1)
    other = factories.make_member(at=AT - DAY)
    watch(member, "jazz", 3)
    watch(member, "yoga", 3)
    watch(other, "yoga", 3)
    refresh_tag(tag_id=Tag.objects.get(code="interest_category").pk, at=AT)
    assert of_member(member) == {"yoga"}


def test_each_channel_is_a_tag():
    first = factories.make_member(at=AT - DAY, channel="App Store")
    factories.make_member(at=AT - DAY)
    refresh_tag(tag_id=Tag.objects.get(code="channel").pk, at=AT)
    assert list(MemberTag.objects.values_list("member_id", "tag__name", "cause")) == [(first.pk, "App Store", "rule")]


def test_a_tag_of_an_unheard_event_is_refused():
    generator = OfEvent(type="event", event="unheard", property="x", at_least=1, days=7)
    with pytest.raises(RuleInvalid):
        save_tag(generator=generator, name="A", kind="interest", actor=None, at=AT)


def test_everything_due_is_refreshed_and_values_less_often(member):
    Member.objects.filter(pk=member.pk).update(channel="Web")
    assert refresh_due(at=AT)
    assert not Tag.objects.refreshable().filter(refreshed_at=None).exists()
    refresh_due(at=AT + MINUTE)
    assert Tag.objects.get(code="channel").refreshed_at == AT
    assert Tag.objects.get(code="lazy").refreshed_at == AT + MINUTE
    refresh_due(at=AT + VALUES_EVERY)
    assert Tag.objects.get(code="channel").refreshed_at == AT + VALUES_EVERY


def test_the_member_page_knows_why_she_carries_each(member, operator):
    Member.objects.filter(pk=member.pk).update(city="x", channel="Web")
    ruled, given = save(action="Call her", action_zh="致电"), save_tag(name="B", kind="custom", actor=None, at=AT)
    refresh_tag(tag_id=ruled.pk, at=AT)
    refresh_tag(tag_id=Tag.objects.get(code="channel").pk, at=AT)
    give_tag(member_id=member.pk, tag_id=given.pk, actor=operator, at=AT, reason="by phone")
    found = {carried.tag.name: carried for carried in carried_by(member)}
    assert set(found) == {"From X", "B", "Web"}
    assert found["From X"].action == "Call her"
    lines = {name: why(carried.carry, AT) for name, carried in found.items()}
    assert [(line.holds, line.note) for line in lines["From X"]] == [(True, ""), (True, "City: x")]
    assert lines["B"] == []
    assert "channel" in lines["Web"][0].text


@pytest.mark.django_db(transaction=True)
def test_coming_and_going_are_facts_with_a_cursor_whoever_writes_them(operator):
    member = factories.make_member(at=AT - DAY)
    tag = save_tag(name="B", kind="custom", actor=operator, at=AT)
    start = horizon()
    give_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT)
    take_tag(member_id=member.pk, tag_id=tag.pk, actor=operator, at=AT + DAY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT since_xid::text::bigint >= %s AND until_xid > since_xid FROM members_membertag", [start])
        assert cursor.fetchone()[0]
    # What is below the horizon is read; another transaction on the server may hold it back.
    changes, cursor_after = CARRIES.changes([tag.code], 0)
    expected = [("entered", member.pk, AT), ("left", member.pk, AT + DAY)]
    assert [(c.kind, c.member_id, c.at) for c in changes] == expected[: len(changes)]
    assert cursor_after >= start


def test_a_tag_about_an_event_nobody_reports_waits_for_it(member, viewer_client):
    """Silence of a feed is not silence of the members."""
    factories.make_event(member=factories.make_member(at=AT), at=AT - DAY, name="opened")
    EventDefinition.objects.get_or_create(name="login")
    never = {"kind": "event.never", "event": "login", "window": {"op": "ever"}}
    tag = save("Never came", never)
    refresh_tag(tag_id=tag.pk, at=AT)
    assert stays(tag) == []
    page = viewer_client.get(tag.get_absolute_url()).content.decode()
    assert "No source has reported" in page
    other = factories.make_member(at=AT)
    factories.make_event(member=other, at=AT, name="login")
    refresh_tag(tag_id=tag.pk, at=AT + MINUTE)
    carrying = set(MemberTag.objects.current().filter(code=tag.code).values_list("member_id", flat=True))
    assert member.pk in carrying
    assert other.pk not in carrying
    assert "No source has reported" not in viewer_client.get(tag.get_absolute_url()).content.decode()


def test_a_tag_about_any_event_waits_until_one_is_reported(member):
    never = {"kind": "event.never", "event": "*", "window": {"op": "ever"}}
    tag = save("Never did anything", never)
    refresh_tag(tag_id=tag.pk, at=AT)
    assert stays(tag) == []
    other = factories.make_member(at=AT)
    factories.make_event(member=other, at=AT, name="login")
    refresh_tag(tag_id=tag.pk, at=AT + MINUTE)
    carrying = set(MemberTag.objects.current().filter(code=tag.code).values_list("member_id", flat=True))
    assert member.pk in carrying
    assert other.pk not in carrying
