"""Member exports: masked, formula-safe, audited, permission-checked, streamed, and readable again."""

import csv
import io
import tracemalloc

import openpyxl
import pytest
from django.urls import reverse
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from config.audit.models import AuditEntry
from members.exports.operations import stream_members
from members.files.csv_text import cell, safe_text
from members.files.mapping import MEMBER_FIELDS, guess
from members.people.models import Identity, Member
from members.terms.models import MembershipTerm
from tests.factories import make_member, make_term
from tests.members.imports.files import written

pytestmark = pytest.mark.django_db


def table(content) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(content).decode("utf-8-sig"))))


def export(actor, at, columns=(), reveal=True, **kw):
    return stream_members(queryset=Member.objects.all(), columns=columns, actor=actor, at=at, reveal=reveal, **kw)


def test_personal_data_is_masked_unless_revealed_by_a_role_that_may(operator, viewer, at):
    make_member(
        at=at, display_name="王小明", identities={"external_id": "A1", "phone": "13812342716", "email": "wang@mail.cn"}
    )
    columns = ["display_name", "phone", "email"]
    assert table(export(operator, at, columns, reveal=False)) == [
        ["Name, masked", "Phone, masked", "Email, masked"], ["王*明", "138****2716", "w***g@mail.cn"],
    ]  # fmt: skip
    assert table(export(operator, at, columns))[1] == ["王小明", "13812342716", "wang@mail.cn"]
    assert table(export(viewer, at, columns))[1][0] == "王*明"
    entry = AuditEntry.objects.filter(action="members.exported").order_by("pk")[1]
    assert entry.data == {"rows": 1, "columns": columns, "format": "csv", "revealed": True}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_text_is_left_that_a_spreadsheet_would_run(start, operator, at):
    make_member(at=at, display_name=f"{start}cmd|' /C calc'!A0")
    assert table(export(operator, at, ["display_name"]))[1][0].startswith("'")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(export(operator, at, ["display_name"], file_format="xlsx"))))
    assert book.active["A2"].data_type == "s"
    assert book.active["A2"].value.startswith("'")


@given(st.text())
def test_what_is_safe_stays_as_it_is(text):
    assert safe_text(text).removeprefix("'") == text.removeprefix("'")
    assert cell(5) == 5
    assert cell(-5) == -5


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_an_export_comes_back_and_changes_nothing(language, file_format, operator, plan, at):
    at = at.replace(microsecond=345678)
    plan.tier.name = plan.tier.name_zh = "金卡"
    plan.tier.save()
    for n in range(5):
        member = make_member(at=at, display_name=f"=王{n}")
        make_term(member=member, plan=plan, at=at, auto_renewal=n % 2 == 0)
    make_member(at=at, display_name="+nobody", identities={"external_id": "007"})
    before = [list(model.objects.order_by("pk").values()) for model in (Member, Identity, MembershipTerm)]
    columns = ["external_id", "display_name", "phone", "email", "lifecycle_state", "membership_status", "tier",
               "activation_time", "expiration_time", "auto_renewal_flag"]  # fmt: skip
    with translation.override(language):
        content = b"".join(export(operator, at, columns, file_format=file_format))
    run = written(content, name=f"members.{file_format}", actor=operator, at=at)
    assert (run.created_count, run.updated_count, run.unchanged_count, run.rows_rejected) == (0, 0, 6, 0)
    assert before == [list(model.objects.order_by("pk").values()) for model in (Member, Identity, MembershipTerm)]
    assert run.comparison == []


def test_masked_columns_are_not_taken_back(operator, at):
    make_member(at=at)
    header = table(export(operator, at, ["external_id", "display_name", "phone"], reveal=False))[0]
    assert guess(header, MEMBER_FIELDS) == ["external_id", "", ""]


def test_the_list_exports_what_it_shows(operator_client, viewer_client, at):
    members = [make_member(at=at, city="Berlin" if n else "Paris") for n in range(3)]
    address = reverse("exports:members")
    assert viewer_client.post(address, {"all": "1", "file_format": "csv"}).status_code == 403
    assert not AuditEntry.objects.filter(action="members.exported").exists()
    page = operator_client.post(address, {"ids": [members[0].pk], "query": "state=prospect"})
    assert "1 member will be written" in page.content.decode()
    response = operator_client.post(
        address, {"ids": [m.pk for m in members[:2]], "file_format": "csv", "columns": ["number"]}
    )
    assert [row[0] for row in table(response.streaming_content)[1:]] == [str(m.pk) for m in members[:2]]
    response = operator_client.post(
        address, {"all": "1", "query": "state=churned", "file_format": "csv", "columns": ["number"]}
    )
    assert table(response.streaming_content)[1:] == []
    assert operator_client.post(address, {}).status_code == 302


def test_memory_does_not_grow_with_the_list(operator, at):
    def peak() -> int:
        tracemalloc.start()
        for _ in export(operator, at):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    Member.objects.bulk_create(Member(display_name=f"M{n}", created_at=at, updated_at=at) for n in range(6_000))
    small = peak()
    Member.objects.bulk_create(Member(display_name=f"N{n}", created_at=at, updated_at=at) for n in range(24_000))
    assert peak() < small * 1.5
