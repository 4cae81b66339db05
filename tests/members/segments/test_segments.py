"""Segments as they are kept: saved, refreshed by difference, fixed, put away, remembered and explained."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, IntegrityError, connection, transaction

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from members.lifecycle.models import MemberLifecycle
from members.people.models import Consent, Member
from members.plans.models import Tier
from members.segments import limits, preview, references
from members.segments.console import history
from members.segments.models import Segment, SegmentMembership, SegmentReference, SegmentSize, SegmentVersion
from members.segments.operations.refreshing import in_reading_order, refresh_all, refresh_segment
from members.segments.operations.saving import archive_segment, freeze, save_segment
from members.segments.operations.uploading import match_upload, receive_upload, save_upload
from members.segments.schema import RuleInvalid, read_rule
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

MINUTE = timedelta(minutes=1)


def in_city(*cities, op="is"):
    return {"kind": "profile.city", "op": op, "values": list(cities)}


def in_segment(segment, op="is"):
    return {"kind": "segment.member", "op": op, "segment": segment.pk}


def rule(*items, kind="all"):
    return read_rule({"version": 1, "root": {"kind": kind, "items": list(items)}})


def save(name, *items, at, actor=None, **values):
    return save_segment(rule=rule(*items), name=name, actor=actor, at=at, **values)


def inside(segment):
    return set(SegmentMembership.objects.current().filter(segment=segment).values_list("member_id", flat=True))


def keep_list(name, entries, *, at, kind="external_id"):
    upload = receive_upload(upload=ContentFile("\n".join(entries).encode(), name="a.txt"), kind=kind, actor=None, at=at)
    assert match_upload(upload_id=upload.pk, at=at)
    return save_upload(upload_id=upload.pk, actor=None, at=at, name=name)


def live_in(city, at, number=1):
    return [factories.make_member(at=at, city=city).pk for _ in range(number)]


def move(pk, city):
    Member.objects.filter(pk=pk).update(city=city)


def test_saving_keeps_each_rule_with_who_and_why(at, operator):
    segment = save("A", in_city("x"), at=at, actor=operator, reason="first")
    save_segment(
        rule=rule(in_city("y")), name="A", segment_id=segment.pk, actor=operator, at=at + MINUTE, reason="moved"
    )
    # Another name is no other rule.
    save_segment(rule=rule(in_city("y")), name="B", segment_id=segment.pk, actor=operator, at=at + 2 * MINUTE)
    versions = SegmentVersion.objects.filter(segment=segment).order_by("number")
    assert [(v.number, v.saved_by, v.reason) for v in versions] == [(1, operator, "first"), (2, operator, "moved")]
    assert AuditEntry.objects.filter(action="segment.saved", target_id=str(segment.pk)).count() == 3
    with pytest.raises(IntegrityError), transaction.atomic():
        versions.update(reason="rewritten")


def test_a_save_over_a_version_not_seen_is_refused(at):
    segment = save("A", in_city("x"), at=at)
    save("A", in_city("y"), at=at, segment_id=segment.pk, base_version=1)
    with pytest.raises(Refused, match="stale"):
        save("A", in_city("z"), at=at, segment_id=segment.pk, base_version=1)
    with pytest.raises(Refused, match="name_taken"):
        save("A", in_city("z"), at=at)
    assert Segment.objects.get(pk=segment.pk).rule["root"]["items"][0]["values"] == ["y"]


def test_a_circle_is_refused_at_the_condition_that_closes_it(at):
    first = save("A", in_city("x"), at=at)
    second = save("B", in_segment(first), at=at)
    third = save("C", in_segment(second, op="is_not"), at=at)
    for target in (first, second, third):
        with pytest.raises(RuleInvalid) as caught:
            save("A", in_city("x"), in_segment(target), at=at, segment_id=first.pk)
        assert [(error.path, error.field) for error in caught.value.errors] == [((1,), "segment")]
    assert SegmentReference.objects.count() == 2


def test_a_refresh_writes_only_who_came_and_went(at):
    stays, goes = live_in("x", at, 2)
    (comes,) = live_in("y", at)
    segment = save("A", in_city("x"), at=at)
    assert refresh_segment(segment_id=segment.pk, at=at).entered == 2
    before = SegmentMembership.objects.get(member_id=stays)
    move(goes, "y")
    move(comes, "x")
    diff = refresh_segment(segment_id=segment.pk, at=at + MINUTE)
    assert (diff.size, diff.entered, diff.left) == (2, 1, 1)
    assert inside(segment) == {stays, comes}
    assert SegmentMembership.objects.get(member_id=stays).pk == before.pk
    # Nothing moved: nothing is written but the time.
    assert refresh_segment(segment_id=segment.pk, at=at + 2 * MINUTE).entered == 0
    sizes = SegmentSize.objects.filter(segment=segment).order_by("at")
    assert [(s.size, s.entered, s.left) for s in sizes] == [(2, 2, 0), (2, 1, 1)]
    segment.refresh_from_db()
    assert (segment.size, segment.refreshed_at) == (2, at + 2 * MINUTE)


def test_an_earlier_instant_changes_nothing(at):
    live_in("x", at)
    segment = save("A", in_city("x"), at=at)
    refresh_segment(segment_id=segment.pk, at=at + MINUTE)
    assert refresh_segment(segment_id=segment.pk, at=at) is None


def test_a_rule_that_can_hold_for_nobody_empties_its_segment(at):
    member = factories.make_member(at=at)
    tier = factories.TierFactory(code="gone")
    MemberLifecycle.objects.filter(pk=member.pk).update(tier=tier)
    segment = save("A", {"kind": "membership.tier", "values": ["gone"]}, at=at)
    assert refresh_segment(segment_id=segment.pk, at=at).size == 1
    # No tier of that code any more: the ORM knows the answer without asking.
    Tier.objects.filter(pk=tier.pk).update(code="renamed")
    assert refresh_segment(segment_id=segment.pk, at=at + MINUTE).left == 1


def test_a_member_who_returns_has_a_stay_of_her_own(at):
    (pk,) = live_in("x", at)
    segment = save("A", in_city("x"), at=at)
    for minute, city in enumerate(["x", "y", "x"]):
        move(pk, city)
        refresh_segment(segment_id=segment.pk, at=at + minute * MINUTE)
    assert SegmentMembership.objects.filter(segment=segment, member_id=pk).count() == 2
    for minute, size in enumerate([1, 0, 1]):
        assert Member.objects.in_segment_at(segment.pk, at + minute * MINUTE).count() == size
        assert history.size_at(segment, at + minute * MINUTE) == size
    assert history.size_at(segment, at - MINUTE) is None
    for way, member_ids in (("entered", [pk]), ("left", [pk])):
        found = history.moves_since(segment, at, way=way, after=None, size=5)
        assert ([stay.member_id for stay in found.stays], found.next) == (member_ids, None)
    first = history.moves_since(segment, at - MINUTE, way="entered", after=None, size=1)
    assert first.next is not None
    second = history.moves_since(segment, at - MINUTE, way="entered", after=first.next, size=1)
    assert (first.stays[0].entered_at, second.stays[0].entered_at, second.next) == (at + 2 * MINUTE, at, None)
    assert len(history.size_history(segment, at, at + 9 * MINUTE)) == 3


def test_segments_that_read_others_come_after_them(at):
    (pk,) = live_in("x", at)
    inner = save("Inner", in_city("nowhere"), at=at)
    outer = save("Outer", in_segment(inner), at=at)
    # The one that reads is older than the one it reads now.
    late = save("Late", in_city("x"), at=at)
    save("Inner", in_segment(late), at=at, segment_id=inner.pk)
    assert in_reading_order() == [late.pk, inner.pk, outer.pk]
    assert refresh_all(at=at + MINUTE) == 3
    assert inside(outer) == {pk}


def test_a_rule_that_cannot_be_read_marks_its_segment_only(at):
    live_in("x", at)
    broken, whole = save("A", in_city("x"), at=at), save("B", in_city("x"), at=at)
    Segment.objects.filter(pk=broken.pk).update(rule={"version": 1, "root": {"kind": "gone"}})
    refresh_all(at=at)
    broken.refresh_from_db()
    assert broken.failed_at == at
    assert len(inside(whole)) == 1


def test_freezing_and_uploading_fix_the_members(at, operator):
    first, second = live_in("x", at, 2)
    frozen = freeze(rule=rule(in_city("x")), name="Frozen", actor=operator, at=at)
    Member.objects.get(pk=first).identities.filter(kind="external_id").update(value="crm-1")
    listed = keep_list("List", [str(second), "crm-1"], at=at, kind="number")
    assert inside(listed) == {second}
    by_id = keep_list("Ids", ["crm-1"], at=at)
    move(first, "y")
    refresh_all(at=at + MINUTE)
    assert inside(frozen) == {first, second}
    assert inside(by_id) == {first}
    with pytest.raises(Refused, match="static"):
        save("Frozen", in_city("x"), at=at, segment_id=frozen.pk)


def test_a_used_segment_cannot_be_archived(at, lend):
    inner = save("Inner", in_city("x"), at=at)
    outer = save("Outer", in_segment(inner), at=at)
    assert [use.label for _user, use in references.uses_of(inner.pk)] == ["Outer"]
    with pytest.raises(Refused, match="in_use"):
        archive_segment(segment_id=inner.pk, actor=None, at=at)
    archive_segment(segment_id=outer.pk, actor=None, at=at)
    lend(references.USERS)
    references.USERS.register(
        references.User("campaign", "Campaigns", lambda segment_id: [references.Use("Welcome", is_live=True)])
    )
    with pytest.raises(Refused, match="in_use"):
        archive_segment(segment_id=inner.pk, actor=None, at=at)
    with pytest.raises(Refused, match="archived"):
        archive_segment(segment_id=outer.pk, actor=None, at=at)


def test_a_preview_says_who_would_enter_and_leave(at):
    stays, goes = live_in("x", at, 2)
    comes = live_in("y", at, 3)
    move(stays, "z")
    segment = save("A", in_city("x", "z"), at=at)
    refresh_segment(segment_id=segment.pk, at=at)
    change = preview.preview_change(segment=segment, rule=rule(in_city("y", "z")), at=at)
    assert (change.size_now, change.size_then, change.entering, change.leaving) == (2, 4, 3, 1)
    assert (sorted(change.entering_ids), change.leaving_ids) == (comes, [goes])
    assert inside(segment) == {stays, goes}


def test_a_measure_counts_by_channel_and_shows_how_the_rule_narrows(at):
    one, two, three = live_in("x", at, 3)
    live_in("y", at)
    Member.objects.get(pk=one).identities.filter(kind="email").delete()
    Consent.objects.create(member_id=two, channel="email", is_granted=False, changed_at=at, source="test")
    Member.objects.filter(pk=three).update(gender="female")
    asked = rule(in_city("x", "y"), in_city("x"), {"kind": "profile.gender", "op": "is_not", "values": ["female"]})
    found = preview.measure(asked, at=at)
    assert (found.total, found.sample_ids) == (2, [two, one])
    found = preview.detail(asked, at=at)
    assert found.total == 2
    assert {r.reach.code: r.count for r in found.channels} == {"email": 0, "sms": 2, "in_app": 2}
    assert found.reached_by_any == 2
    assert [(step.path, step.count) for step in found.narrowing] == [((0,), 4), ((1,), 3), ((2,), 2)]
    assert preview.count(asked, at=at) == 2


def test_overlap_counts_each_combination(at):
    both, one, _two = live_in("x", at, 3)
    first = keep_list("A", [str(both), str(one)], at=at, kind="number")
    second = keep_list("B", [str(both)], at=at, kind="number")
    found = history.overlap([first.pk, second.pk])
    assert found.combinations == {frozenset({first.pk, second.pk}): 1, frozenset({first.pk}): 1}
    assert found.in_all([first.pk]) == 2


def test_asking_never_writes_and_leaves_no_setting_behind(at):
    with pytest.raises(DatabaseError), limits.reading():
        Member.objects.update(city="written")
    with limits.reading(seconds=1), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    live_in("x", at)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0"


def test_asking_ends_in_time():
    with pytest.raises(limits.TooSlow), limits.reading(seconds=0.05), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
