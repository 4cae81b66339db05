"""What a merge does: who stays, what of her, where the other is no longer met, and what is refused."""

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from campaigns.models import MessageIntent
from campaigns.operations.planning import plan
from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from members.events.models import Event
from members.events.operations.keys import make_key
from members.events.operations.taking import take_messages
from members.exports.columns import chosen, joined
from members.imports.operations.uploads import receive, start_check
from members.imports.operations.work import work
from members.imports.operations.writes import confirm
from members.lifecycle import metrics
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import sweep
from members.merging.models import DuplicatePair
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members, unsplittable
from members.people.console import timeline
from members.people.console.palette import find_members
from members.people.models import Consent, Identity, Member
from members.people.operations import people
from members.segments.compiler import members_of
from members.segments.models import SegmentUpload, SegmentUploadLine
from members.segments.operations.uploading import match_upload, receive_upload, save_upload
from members.segments.querysets import match_lines
from members.segments.schema import read_rule
from members.tags.models import MemberTag
from tests import factories
from tests.conftest import AT
from tests.members.merging.people import DAY, give_events, give_term, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    return make_person(AT - 90 * DAY, 1, display_name="Li Na"), make_person(
        AT - 80 * DAY, 2, display_name="Na Li", city="Wuhan"
    )


def merge(pair, at=AT, **rest):
    return merge_members(actor=rest.pop("actor", None), at=at, survivor_id=pair[0].pk, absorbed_id=pair[1].pk, **rest)


def test_the_usual_values_stay_and_a_choice_counts(pair):
    record = merge(pair, choices={"display_name": "absorbed", "email": "absorbed"})
    survivor = Member.objects.get(pk=pair[0].pk)
    assert (survivor.display_name, survivor.city) == ("Na Li", "Wuhan")
    current = dict(survivor.identities.values_list("kind", "value"))
    assert current == {"external_id": "x1", "phone": "13900000001", "email": "p2@example.com"}
    former = Identity.every.filter(member=survivor, is_former=True)
    assert set(former.values_list("value", flat=True)) == {"x2", "13900000002", "p1@example.com"}
    assert record.choices["display_name"] == "absorbed"
    assert record.choices["city"] == "absorbed"


def test_she_is_in_no_list_count_segment_export_palette_or_sweep(pair):
    give_term(pair[1], AT - 10 * DAY)
    rule = read_rule(
        {"version": 1, "root": {"kind": "all", "items": [{"kind": "profile.city", "op": "is", "values": ["Wuhan"]}]}}
    )
    assert list(members_of(rule, AT)) == [pair[1]]
    merge(pair, choices={"city": "absorbed"})
    cache.clear()
    gone = pair[1].pk
    assert list(members_of(rule, AT).values_list("pk", flat=True)) == [pair[0].pk]
    assert gone not in Member.objects.values_list("pk", flat=True)
    assert list(Member.objects.search("x2").values_list("pk", flat=True)) == [pair[0].pk]
    assert [row["href"] for row in find_members(factories.UserFactory(), "p2@example.com")] == [
        pair[0].get_absolute_url()
    ]
    assert sum(metrics.members_by_state().values()) == 1
    columns = chosen(["external_id", "email", "phone"])
    assert list(joined(Member.objects.all(), columns, AT).values_list("pk", "of_email__value")) == [
        (pair[0].pk, "p1@example.com")
    ]
    sweep(at=AT + 100 * DAY)
    assert not MemberLifecycle.objects.filter(pk=gone).exists()


def test_the_planner_writes_to_the_survivor_alone(pair):
    give_term(pair[1], AT - 27 * DAY)
    merge(pair)
    plan(at=AT)
    assert set(MessageIntent.objects.values_list("member_id", flat=True)) == {pair[0].pk}


def test_programs_files_and_lists_that_name_her_find_the_survivor(pair):
    merge(pair)
    key, _ = make_key(
        source_id=factories.SourceFactory().pk,
        label="k",
        scopes=["events", "profiles"],
        actor=factories.UserFactory(),
        at=AT,
    )
    take_messages(
        body='{"userId": "x2", "event": "opened", "messageId": "m"}', kind="track", key_hash=key.key_hash, at=AT
    )
    assert Event.objects.get().member_id == pair[0].pk
    for kind, entry in (("external_id", "x2"), ("number", str(pair[1].pk))):
        file = SimpleUploadedFile("list.txt", entry.encode())
        upload = receive_upload(upload=file, kind=kind, actor=None, at=AT)
        match_upload(upload_id=upload.pk, at=AT)
        segment = save_upload(upload_id=upload.pk, actor=None, at=AT, name=f"List by {kind}")
        assert list(segment.stays.values_list("member_id", flat=True)) == [pair[0].pk]


def test_an_import_that_names_her_old_number_updates_the_survivor_and_keeps_both(pair, admin):
    merge(pair)
    file = SimpleUploadedFile("members.csv", b"external_id,city,phone\nx2,Xi'an,13900000009\n")
    run = receive(upload=file, actor=admin, at=AT)
    start_check(run_id=run.pk, mapping=run.mapping, options={})
    work(run_id=run.pk, at=AT)
    confirm(run_id=run.pk, mode="all", actor=admin, at=AT)
    work(run_id=run.pk, at=AT)
    survivor = Member.objects.get()
    assert survivor.pk == pair[0].pk
    assert survivor.city == "Xi'an"
    assert dict(survivor.identities.values_list("kind", "value"))["phone"] == "13900000009"
    assert Identity.every.filter(member=survivor, kind="external_id").count() == 2


def test_the_engine_places_her_and_it_is_no_return(pair):
    give_term(pair[0], AT - 70 * DAY)
    give_term(pair[1], AT - 10 * DAY)
    sweep(at=AT)
    assert MemberLifecycle.objects.get(pk=pair[0].pk).lifecycle_state in ("expired", "churned")
    merge(pair)
    row = MemberLifecycle.objects.get(pk=pair[0].pk)
    assert (row.lifecycle_state, row.membership_status) == ("first_paid", "active")
    assert not MemberTag.objects.filter(member=pair[0], code="returned").exists()
    assert not pair[0].transitions.filter(effective_at=AT, facts__conversion=True).exists()


def test_what_was_said_last_about_contact_counts(pair):
    Consent.objects.create(member=pair[0], channel="email", is_granted=True, changed_at=AT - 2 * DAY, source="a")
    Consent.objects.create(member=pair[1], channel="email", is_granted=False, changed_at=AT - DAY, source="b")
    merge(pair)
    assert Consent.objects.get().is_granted is False
    assert Consent.objects.get().member_id == pair[0].pk


def test_merged_twice_or_with_herself_is_refused(pair):
    merge(pair)
    with pytest.raises(Refused, match="gone"):
        merge(pair)
    with pytest.raises(Refused, match="same"):
        merge((pair[0], pair[0]))


def test_a_chain_leads_to_its_end_and_is_undone_from_its_end(pair, client_as):
    third = make_person(AT, 3)
    first = merge(pair)
    second = merge((third, pair[0]))
    assert Member.every.survivor_of(pair[1].pk) == third
    upload = SegmentUpload.objects.create(kind="number", created_at=AT)
    match_lines(upload_id=upload.pk, kind="number", rows=[(1, str(pair[1].pk)), (2, str(pair[0].pk)), (3, "x")])
    named = SegmentUploadLine.objects.filter(upload=upload).order_by("row_no").values_list("member_id", flat=True)
    assert list(named) == [third.pk, third.pk, None]
    with pytest.raises(Refused, match="merged_on"):
        unmerge_members(actor=None, at=AT, record_id=first.pk)
    for address in ("members:detail", "members:edit"):
        response = client_as("operator").get(reverse(address, args=[pair[1].pk]))
        assert response.status_code == 302
        assert response.url == third.get_absolute_url()
    unmerge_members(actor=None, at=AT, record_id=second.pk)
    unmerge_members(actor=None, at=AT, record_id=first.pk)
    with pytest.raises(Refused, match="undone"):
        unmerge_members(actor=None, at=AT, record_id=first.pk)
    assert Member.objects.count() == 3


def test_what_came_after_stays_and_is_said(pair):
    give_events(pair[1], [AT - DAY])
    record = merge(pair, choices={"city": "absorbed"})
    people.edit_member(member_id=pair[0].pk, actor=None, at=AT + DAY, city="Xi'an")
    give_events(pair[0], [AT + DAY], prefix="late")
    rest = unsplittable(record)
    assert (rest.events, rest.terms, rest.fields) == (1, 0, ["city"])
    undone = unmerge_members(actor=None, at=AT + 2 * DAY, record_id=record.pk)
    assert undone.kept == {"fields": ["city"], "rows": {}}
    assert Member.objects.get(pk=pair[0].pk).city == "Xi'an"
    assert Member.objects.get(pk=pair[1].pk).city == "Wuhan"
    assert Event.objects.filter(member=pair[0]).count() == Event.objects.filter(member=pair[1]).count() == 1


def test_both_acts_are_audited_and_stand_in_the_timeline(pair, operator):
    record = merge(pair, actor=operator)
    unmerge_members(actor=operator, at=AT, record_id=record.pk)
    for member in pair:
        actions = AuditEntry.objects.filter(member_id=member.pk, actor=operator).values_list("action", flat=True)
        assert sorted(actions) == ["member.merged", "member.unmerged"]
        shown = [str(e.title) for e in timeline.read(member.pk, until=AT, only="audit").entries]
        assert "Members merged" in shown
        assert "Merge undone" in shown


def test_the_events_move_by_the_index(pair):
    give_events(pair[1], [AT - n * DAY for n in range(40)])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN UPDATE members_event t SET member_id = %s WHERE t.member_id = %s", [pair[0].pk, pair[1].pk]
        )
        steps = "\n".join(line for (line,) in cursor.fetchall())
    assert "member_id_occurred_at_idx" in steps
    assert "Seq Scan" not in steps


def test_a_pair_of_merged_members_is_on_no_list(pair):
    DuplicatePair.objects.create(member_a=pair[0], member_b=pair[1], reasons=["phone"], strength=85, found_at=AT)
    third = make_person(AT, 3)
    DuplicatePair.objects.create(member_a=pair[1], member_b=third, reasons=["phone"], strength=85, found_at=AT)
    record = merge(pair)
    assert not DuplicatePair.objects.open().exists()
    assert DuplicatePair.objects.get(member_b=pair[1]).merge == record
    unmerge_members(actor=None, at=AT, record_id=record.pk)
    assert DuplicatePair.objects.open().count() == 2
