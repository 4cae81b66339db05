"""An undo that meets what was reached since succeeds, and lists what has no place any more."""

import pytest
from django.urls import reverse

from config.console.work import work_for
from members.merging.models import MergeRecord
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from members.people.models import Identity, Member
from members.segments.models import Segment, SegmentMembership
from tests import factories
from tests.conftest import AT
from tests.members.merging.people import DAY, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    return make_person(AT - 9 * DAY, 1), make_person(AT - 9 * DAY, 2)


def test_what_stands_in_the_way_is_listed_and_seen_to(pair, client_as, operator):
    a, b = pair
    number = b.identities.get(kind="phone").value
    record = merge_members(actor=operator, at=AT, survivor_id=a.pk, absorbed_id=b.pk)
    # The number is given up and taken by somebody else.
    Identity.every.filter(value=number).delete()
    third = factories.make_member(at=AT)
    third.identities.filter(kind="phone").delete()
    Identity.objects.create(member=third, kind="phone", value=number, created_at=AT)
    client = client_as("operator")
    address = reverse("merging:undo", args=[record.pk])
    assert client.post(address).url == address
    assert Member.objects.count() == 3
    assert list(MergeRecord.objects.get().kept["surplus"]) == ["members_identity"]
    assert "What could not go back" in client.get(address).text
    items = [item for item in work_for(operator, AT) if item.href == address]
    assert [item.count for item in items] == [1]
    assert client.post(reverse("merging:check", args=[record.pk])).url == address
    assert not [item for item in work_for(operator, AT) if item.href == address]
    assert "has seen to it" in client.get(address).text


def test_a_table_that_refuses_a_row_does_not_hold_the_others_up(pair):
    a, b = pair
    segment = Segment.objects.create(name="S", kind="static", created_at=AT, updated_at=AT)
    SegmentMembership.objects.create(segment=segment, member=b, entered_at=AT - DAY)
    record = merge_members(actor=None, at=AT, survivor_id=a.pk, absorbed_id=b.pk)
    # As a row of a time with other rules would be: the check refuses it.
    row = record.set_aside["members_segmentmembership"][0]["row"]
    row["left_at"] = (AT - 5 * DAY).isoformat()
    record.save(update_fields=["set_aside"])
    undone = unmerge_members(actor=None, at=AT, record_id=record.pk)
    assert len(undone.kept["surplus"]["members_segmentmembership"]) == 1
    assert b.identities.count() == 3
    assert not SegmentMembership.objects.exists()
