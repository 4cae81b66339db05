"""A list of members becomes a static segment: read, looked up set-based, shown, saved."""

import io
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from openpyxl import Workbook

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from members.segments.models import Segment, SegmentMembership, SegmentUpload, SegmentUploadLine
from members.segments.operations import uploading
from tests import factories
from tests.conftest import signed_in_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def looked_up(content, at, kind="external_id", name="list.csv"):
    data = content if isinstance(content, bytes) else content.encode()
    upload = uploading.receive_upload(upload=ContentFile(data, name=name), kind=kind, actor=None, at=at)
    uploading.match_upload(upload_id=upload.pk, at=at)
    upload.refresh_from_db()
    return upload


def figures(upload):
    return (upload.lines, upload.members, upload.unknown, upload.repeated)


@pytest.fixture
def known(at):
    """Two members: C-1 / 13800000001 / one@example.com, and C-2 alike."""
    return [
        factories.make_member(
            at=at, identities={"external_id": f"C-{n}", "phone": f"1380000000{n}", "email": f"m{n}@example.com"}
        )
        for n in (1, 2)
    ]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("external_id", "C-1\nC-2\nC-1\nC-9\n"),
        ("external_id", "会员编号\nC-1\nC-2\nC-1\nC-9"),
        ("external_id", "\ufeffname,id\nA,C-1\nB,C-2\nC,C-1\nD,C-9\n"),
        ("phone", "+86 138 0000 0001\n138-0000-0002\n１３８００００００01\n13900000000"),
        ("email", "M1@Example.com \nm2@example.com\nm1@example.com\nnobody@example.com\n\n"),
    ],
)
def test_each_kind_is_found_whatever_it_looks_like(known, at, kind, text):
    assert figures(looked_up(text, at, kind)) == (4, 2, 1, 1)


def test_a_workbook_is_read_too(known, at):
    book, stream = Workbook(), io.BytesIO()
    for row in (["External id"], ["C-2"], ["C-7"]):
        book.active.append(row)
    book.save(stream)
    assert figures(looked_up(stream.getvalue(), at, name="list.xlsx")) == (2, 1, 1, 0)


def test_what_cannot_be_read_says_so_and_leaves_no_file(at, settings):
    with pytest.raises(Refused, match="not_a_table"):
        looked_up(b"\x89PNG....", at)
    assert looked_up('"open\nC-1\n', at).failure_code == "unclosed_quote"
    assert looked_up("\n\n", at).failure_code == "no_rows"
    assert [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == []


def test_a_worker_that_died_is_followed_by_another(known, at):
    upload = uploading.receive_upload(
        upload=ContentFile(b"C-1\nC-2", name="a.csv"), kind="external_id", actor=None, at=at
    )
    assert SegmentUpload.objects.claim(upload.pk, at=at, stale_before=at - uploading.LEASE) == 1
    assert not uploading.match_upload(upload_id=upload.pk, at=at)
    assert uploading.match_waiting(at=at + 2 * uploading.LEASE) == 1
    upload.refresh_from_db()
    assert figures(upload) == (2, 2, 0, 0)
    # The first one wakes up again: the list is no longer its own.
    assert not SegmentUpload.objects.held(upload.pk, 1).exists()


def test_saving_keeps_who_was_found_once(known, at, operator):
    upload = looked_up("C-1\nC-2\nC-9", at)
    first = uploading.save_upload(upload_id=upload.pk, actor=operator, at=at, name="Kept")
    assert uploading.save_upload(upload_id=upload.pk, actor=operator, at=at, name="Again") == first
    inside = SegmentMembership.objects.current().filter(segment=first).values_list("member_id", flat=True)
    assert set(inside) == {member.pk for member in known}
    assert AuditEntry.objects.get(action="segment.uploaded").data == {"members": 2, "unknown": 1}
    empty = looked_up("C-9", at)
    with pytest.raises(Refused, match="no_members"):
        uploading.save_upload(upload_id=empty.pk, actor=operator, at=at, name="Empty")


def test_lists_are_forgotten_and_discarded(known, at, operator):
    upload = looked_up("C-1", at)
    assert uploading.discard_upload(upload_id=upload.pk, actor=operator, at=at)
    assert not uploading.discard_upload(upload_id=upload.pk, actor=operator, at=at)
    looked_up("C-1", at)
    assert uploading.forget_uploads(at=at + timedelta(days=6)) == 0
    assert uploading.forget_uploads(at=at + timedelta(days=8)) == 1
    assert SegmentUploadLine.objects.count() == 0


def test_the_pages_lead_from_a_pasted_list_to_a_segment(known, at, operator):
    client = signed_in_client(operator)
    address = reverse("segments:upload")
    assert client.post(address, {"kind": "email", "pasted": ""}).status_code == 422
    sent = client.post(address, {"kind": "email", "pasted": "m1@example.com, m2@example.com; =evil@example.com"})
    upload = SegmentUpload.objects.get()
    shown = reverse("segments:uploaded", args=[upload.pk])
    assert sent.url == shown
    assert "every 1s" in client.get(shown).content.decode()
    uploading.match_upload(upload_id=upload.pk, at=at)
    page = client.get(shown).content.decode()
    assert "every 1s" not in page
    assert "=***l@example.com" in page or "evil@" not in page, "addresses are masked on the page"
    rows = b"".join(client.get(reverse("segments:unknown", args=[upload.pk])).streaming_content).decode()
    assert rows.splitlines()[1] == "3,'=evil@example.com"
    assert client.post(shown, {"name": ""}).status_code == 422
    saved = client.post(shown, {"name": "Pasted"})
    assert saved.url == reverse("segments:detail", args=[Segment.objects.get().pk])
