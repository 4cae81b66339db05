"""Several merges into one member: undone in reverse order, each row goes back to whom it came from."""

from datetime import timedelta

import pytest
from django.urls import reverse

from config.engine.refusal import Refused
from members.events.models import ActiveDay, Event, TraitStamp
from members.merging.operations.merging import gather_strays, merge_members
from members.merging.operations.unmerging import unmerge_members
from members.people.models import Consent, Identity
from members.people.operations import people
from members.tags.models import MemberTag
from tests.conftest import AT
from tests.members.merging.people import DAY, every_row, give_events, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def three():
    a, b, c = (make_person(AT - (90 - n) * DAY, n, city=city) for n, city in ((1, ""), (2, "Wuhan"), (3, "Xi'an")))
    for n, member in enumerate((a, b, c)):
        give_events(member, [AT - 3 * DAY + timedelta(minutes=2 - n), AT - (5 + n) * DAY])
    for member, granted, day in ((a, True, 9), (b, False, 5), (c, True, 2)):
        Consent.objects.create(
            member=member, channel="email", is_granted=granted, changed_at=AT - day * DAY, source="test"
        )
    return a, b, c


def merge(survivor, absorbed, at=AT, **choices):
    return merge_members(actor=None, at=at, survivor_id=survivor.pk, absorbed_id=absorbed.pk, choices=choices)


def undo(record, at=AT):
    return unmerge_members(actor=None, at=at, record_id=record.pk)


def test_the_first_of_two_merges_is_not_undone_first(three):
    a, b, c = three
    before = every_row()
    first, second = merge(a, b), merge(a, c)
    assert Consent.objects.get(member=a).is_granted is True
    with pytest.raises(Refused) as refused:
        undo(first)
    assert refused.value.code == "later_merge"
    assert refused.value.detail == {"merge": second.pk, "absorbed": c.pk, "survivor": a.pk}
    undo(second)
    assert Consent.objects.get(member=a).is_granted is False
    undo(first)
    assert every_row() == before


def test_a_merge_into_another_behind_later_ones_names_the_last(three):
    a, b, c = three
    end = make_person(AT, 4)
    records = [merge(a, b), merge(end, a), merge(end, c)]
    for n, code in ((0, "merged_on"), (1, "later_merge")):
        with pytest.raises(Refused) as refused:
            undo(records[n])
        assert (refused.value.code, refused.value.detail["merge"]) == (code, records[2].pk)
    for record in reversed(records):
        undo(record)


def test_pages_offer_only_the_last_merge(three, client_as):
    a, b, c = three
    first, second = merge(a, b), merge(a, c)
    client = client_as("operator")
    address = {record.pk: reverse("merging:undo", args=[record.pk]) for record in (first, second)}
    text = client.get(a.get_absolute_url()).text
    assert address[second.pk] in text
    assert address[first.pk] not in text
    page = client.get(address[first.pk]).text
    assert address[second.pk] in page
    assert '<button class="btn btn-primary"' not in page
    assert client.post(address[first.pk]).status_code == 422
    assert client.post(address[second.pk]).status_code == 302


def test_what_is_said_after_the_merge_is_the_survivors(three):
    a, b, _ = three
    Consent.objects.filter(member=a).delete()
    TraitStamp.objects.create(member=b, name="city", stated_at=AT - DAY, message_id="1")
    record = merge(a, b)
    Consent.objects.filter(member=a).update(is_granted=True, changed_at=AT + DAY)
    undo(record, AT + 2 * DAY)
    assert Consent.objects.get(member=a).is_granted is True
    assert Consent.objects.get(member=b).is_granted is False
    assert TraitStamp.objects.get().member_id == b.pk


def test_an_opt_out_said_while_merged_outlives_the_undo(three):
    a, b, _ = three
    Consent.objects.filter(member=b).update(is_granted=True)
    record = merge(a, b)
    Consent.objects.filter(member=a).update(is_granted=False, changed_at=AT + DAY)
    undo(record, AT + 2 * DAY)
    assert Consent.objects.get(member=a).is_granted is False
    assert Consent.objects.get(member=b).is_granted is True


def test_a_tag_taken_while_merged_is_taken_from_the_survivor_alone(three):
    a, b, _ = three
    for member, day in ((a, 2), (b, 4)):
        MemberTag.objects.create(member=member, code="vip", since=AT - day * DAY, cause="hand")
    record = merge(a, b)
    MemberTag.objects.filter(member=a).update(until=AT + DAY)
    undo(record, AT + 2 * DAY)
    ours, theirs = MemberTag.objects.get(member=a), MemberTag.objects.get(member=b)
    assert (ours.since, ours.until) == (AT - 2 * DAY, AT + DAY)
    assert (theirs.since, theirs.until) == (AT - 4 * DAY, None)


def test_a_day_of_both_stays_with_each(three):
    a, b, _ = three
    ActiveDay.objects.filter(member=a).delete()
    Event.objects.filter(member=a).delete()
    record = merge(a, b)
    give_events(a, [AT - 3 * DAY + timedelta(hours=1)], prefix="late")
    undo(record)
    assert ActiveDay.objects.get(member=a).first_at == AT - 3 * DAY + timedelta(hours=1)
    assert ActiveDay.objects.filter(member=b).count() == 2


def test_a_phone_edited_while_merged_is_the_survivors_and_the_other_has_theirs(three):
    a, b, _ = three
    record = merge(a, b, phone="absorbed")
    people.edit_member(member_id=a.pk, actor=None, at=AT, identities={"phone": "13911112222"})
    undo(record)
    current = dict(Identity.objects.filter(kind="phone").values_list("member_id", "value"))
    assert current[a.pk] == "13911112222"
    assert current[b.pk] == "13900000002"


def test_strays_gathered_behind_a_later_merge_go_back_to_whom_they_came_from(three):
    a, b, c = three
    before = every_row()
    first, second = merge(a, b), merge(a, c)
    Consent.objects.create(member=b, channel="email", is_granted=False, changed_at=AT, source="late")
    assert gather_strays(at=AT) == 0
    assert Consent.objects.get(member=a).source == "late"
    undo(second)
    assert Consent.objects.get(member=c).source == "test"
    assert Consent.objects.get(member=a).source == "late"
    undone = undo(first)
    assert "surplus" not in undone.kept
    assert Consent.objects.get(member=b).source == "late"
    assert Consent.objects.get(member=a).source == "test"
    Consent.objects.filter(member=b).delete()
    after = every_row()
    assert {name: rows for name, rows in after.items() if name != "members_consent"} == {
        name: rows for name, rows in before.items() if name != "members_consent"
    }
