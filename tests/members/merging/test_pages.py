"""The pages: who may, what they show, and what a press of a button does."""

import pytest
from django.urls import reverse

from config.audit.models import AuditEntry
from members.merging.console import pages
from members.merging.models import DuplicatePair, MergeRecord
from members.merging.operations.merging import merge_members
from members.people.models import Member
from members.people.rules import last_day
from members.terms.models import MembershipTerm
from tests.conftest import AT
from tests.members.merging.people import DAY, give_term, make_person
from tests.members.world import ZONE

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    a, b = make_person(AT - 90 * DAY, 1, display_name="李娜"), make_person(AT - 80 * DAY, 2, display_name="王芳")
    return DuplicatePair.objects.create(member_a=a, member_b=b, reasons=["phone"], strength=85, found_at=AT)


def address(name, *args):
    return reverse(f"merging:{name}", args=args)


def test_the_list_is_filtered_and_paged(pair, client_as, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    for n in range(4):
        other = make_person(AT, 10 + n)
        DuplicatePair.objects.create(
            member_a=pair.member_a, member_b=other, reasons=["name_city"], strength=15, found_at=AT
        )
    client = client_as("viewer")
    seen, url = [], address("index")
    while url:
        listing = client.get(url).context["listing"]
        seen += [row.pk for row in listing.rows]
        back, url = listing.previous_url, listing.next_url
    assert seen == list(DuplicatePair.objects.order_by("-strength", "-pk").values_list("pk", flat=True))
    assert [row.pk for row in client.get(back).context["listing"].rows] == seen[2:4]
    only = client.get(address("index"), {"reason": "phone"}).context["listing"]
    assert [row.pk for row in only.rows] == [pair.pk]
    assert only.count == 1


def test_a_chosen_merge_and_its_way_back(pair, client_as):
    client = client_as("operator")
    page = client.get(address("pair", pair.pk))
    assert page.status_code == 200
    assert "139****0001" in page.text
    assert "13900000001" not in page.text
    labels = [row.label for row in page.context["comparison"].rows]
    place = labels.index("name")
    answer = client.post(address("merge", pair.pk), {"stay": "b", f"value_{place}": "a"})
    assert answer.url == pair.member_b.get_absolute_url()
    assert Member.objects.get().display_name == "李娜"
    assert f"#{pair.member_a_id}" in client.get(answer.url).text
    assert client.get(address("pair", pair.pk)).url == answer.url
    record = MergeRecord.objects.get()
    assert client.get(address("undo", record.pk)).status_code == 200
    assert client.post(address("undo", record.pk)).url == pair.member_a.get_absolute_url()
    assert Member.objects.count() == 2
    assert client.post(address("undo", record.pk)).status_code == 422


def test_the_pages_say_what_runs_until_when(pair, client_as):
    give_term(pair.member_a, AT - 5 * DAY)
    give_term(pair.member_b, AT - 5 * DAY)
    client = client_as("operator")
    page = client.get(address("pair", pair.pk))
    assert "Terms afterwards" in page.text
    (_, lines), *_ = page.context["comparison"].queues
    client.post(address("merge", pair.pk), {"stay": "a"})
    rows = [row for row in pair.member_a.terms.order_by("starts_at") if row.closed_at is None and row.ends_at > AT]
    assert [line.last_on for line in lines] == [last_day(row.ends_at, ZONE) for row in rows]
    assert [line.member_id for line in lines] == [pair.member_a_id, pair.member_b_id]
    undo = address("undo", MergeRecord.objects.get().pk)
    assert "Show who keeps which terms" in client.get(undo).text
    shown = client.post(undo, {"look": "1"})
    assert f"Terms of #{pair.member_b_id} afterwards" in shown.text
    assert Member.objects.count() == 1
    client.post(undo)
    for member_id, lines in shown.context["parts"]:
        rows = MembershipTerm.objects.filter(member=member_id, closed_at=None, ends_at__gt=AT)
        assert [line.last_on for line in lines] == [last_day(row.ends_at, ZONE) for row in rows]


def test_a_phone_among_the_attributes_is_masked_too(pair, client_as):
    Member.objects.filter(pk=pair.member_b_id).update(attributes={"mobile": "13712345678", "size": "M"})
    text = client_as("operator").get(address("pair", pair.pk)).text
    assert "137****5678" in text
    assert "13712345678" not in text


def test_who_stays_must_be_said(pair, client_as):
    assert client_as("operator").post(address("merge", pair.pk), {"stay": "c"}).status_code == 422


def test_whose_cover_runs_usually_stays(pair):
    assert pages.Comparison(pair.pk).usual == "a"
    give_term(pair.member_b, AT - 5 * DAY)
    assert pages.Comparison(pair.pk).usual == "b"


def test_dismissed_and_looked_at_again(pair, client_as):
    client = client_as("operator")
    client.post(address("dismiss", pair.pk))
    assert client.get(address("index")).context["listing"].rows == []
    assert client.get(address("index"), {"shown": "dismissed"}).context["listing"].rows == [pair]
    client.post(address("reopen", pair.pk))
    assert client.get(address("index")).context["listing"].rows == [pair]


def test_the_members_page_says_who_is_like_her(pair, client_as):
    page = client_as("viewer").get(pair.member_a.get_absolute_url())
    assert f"Likely the same person as #{pair.member_b_id}" in page.text
    assert address("pair", pair.pk) in page.text


@pytest.mark.parametrize("name", ["merge", "dismiss", "reopen"])
def test_a_viewer_changes_nothing(pair, client_as, name):
    assert client_as("viewer").post(address(name, pair.pk), {"stay": "a"}).status_code == 403
    assert client_as("viewer").post(address("find")).status_code == 403
    pair.refresh_from_db()
    assert pair.dismissed_at is None
    assert pair.merge is None
    assert not AuditEntry.objects.filter(target_type="merge_record").exists()


def test_a_viewer_undoes_nothing(pair, client_as):
    record = merge_members(actor=None, at=AT, survivor_id=pair.member_a_id, absorbed_id=pair.member_b_id)
    for ask in (client_as("viewer").get, client_as("viewer").post):
        assert ask(address("undo", record.pk)).status_code == 403
    assert MergeRecord.objects.in_force().count() == 1
