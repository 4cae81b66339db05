"""The table of bad input: each gets a message that names the fix; nothing is written or lost."""

import io
import zipfile
from datetime import date

import openpyxl
import pytest
from django.test import override_settings
from django.urls import reverse

from config.engine.refusal import Refused
from members.files.words import failure
from members.imports.models import ImportRun
from members.imports.operations.uploads import receive, start_check
from members.imports.operations.work import work
from members.imports.words import ISSUES, REFUSALS
from members.people.models import Member
from tests.factories import TierFactory
from tests.members.imports.files import again, checked, codes, csv, issues, upload, written

pytestmark = pytest.mark.django_db


def refused(content, name="list.csv", *, actor, at, **kw) -> str:
    with pytest.raises(Refused) as caught:
        receive(upload=upload(content, name, **kw), actor=actor, at=at)
    assert not ImportRun.objects.exists()
    assert str(failure(caught.value.code, caught.value.detail, REFUSALS).fix)
    return caught.value.code


def failed(content, name="list.csv", *, actor, at) -> ImportRun:
    run = checked(content, name=name, actor=actor, at=at)
    assert run.status == "failed", run.status
    assert str(failure(run.failure_code, run.failure_detail, REFUSALS).fix)
    assert not Member.objects.exists()
    return run


def workbook(*rows, formats=()) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not_a_table"),
        (b"%PDF-1.7 ...", "not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "old_excel"),
        (b"PK\x03\x04 no archive after all", "not_a_workbook"),
        (b"external_id\nA1\xff\xfe\x80\n", "wrong_encoding"),
        (b"\xff\xfea\x00b", "wrong_encoding"),
        (b"\n\n\n", "no_rows"),
    ],
)
def test_what_is_no_table_is_refused_at_the_door(content, code, operator, at):
    assert refused(content, actor=operator, at=at) == code


def test_a_file_over_the_limit_is_refused(operator, at):
    with override_settings(IMPORT_MAX_BYTES=10):
        assert refused("external_id\nA1234567\n", actor=operator, at=at) == "too_large"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_encodings_that_excel_and_friends_write(encoding, operator, at):
    run = written("会员编号\t姓名\r\nA1\t王小明\r\n", encoding=encoding, actor=operator, at=at)
    assert run.created_count == 1
    assert Member.objects.get().display_name == "王小明"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_separators_are_found(delimiter, operator, at):
    run = receive(
        upload=upload(delimiter.join(["external_id", "name", "city"]) + "\n" + delimiter.join("abc")),
        actor=operator,
        at=at,
    )
    assert (run.delimiter, run.columns) == (delimiter, ["external_id", "name", "city"])


def test_an_encoding_chosen_wrongly_fails_with_the_line(operator, at):
    run = receive(
        upload=upload(csv("会员编号,姓名", [f"A{n},王" for n in range(300)]), encoding="gb18030"), actor=operator, at=at
    )
    ImportRun.objects.filter(pk=run.pk).update(encoding="utf-8")
    start_check(run_id=run.pk, mapping=run.mapping, options={})
    work(run_id=run.pk, at=at)
    assert again(run).failure_code == "wrong_encoding"


def test_ragged_rows_are_named_and_the_others_kept(operator, at):
    run = checked("external_id,city\nA1,x\nA2\nA3,y,z\nA4,w\n", actor=operator, at=at)
    assert issues(run) == [(3, "", "ragged", "A2"), (4, "", "ragged", "A3,y,z")]
    assert (run.rows_read, run.rows_rejected, run.to_create) == (4, 2, 2)


def test_an_unclosed_quote_names_its_line(operator, at):
    run = receive(upload=upload('external_id,city\nA1,x\nA2,"y\nA3,z\n' + "A4,w\n" * 200), actor=operator, at=at)
    assert (run.failure_code, run.failure_detail) == ("unclosed_quote", {"line": 3})
    late = csv("external_id,city", [*(f"A{n},x" for n in range(50)), 'B1,"y', "B2,z"])
    run = failed(late, actor=operator, at=at)
    assert (run.failure_code, run.failure_detail) == ("unclosed_quote", {"line": 52})


def test_a_stray_quote_is_one_bad_row(operator, at):
    run = checked('external_id,city\nA1,"x"y\nA2,z\n', actor=operator, at=at)
    assert issues(run) == [(2, "", "stray_quote", "")]
    assert run.to_create == 1


@pytest.mark.parametrize(
    ("header", "code"), [("external_id,city,City", "duplicate_headers"), ("external_id,,city", "blank_header")]
)
def test_headers_that_are_missing_or_repeated_are_said_at_the_columns(header, code, operator_client, operator, at):
    run = receive(upload=upload(f"{header}\nA1,x,y\n"), actor=operator, at=at)
    assert run.failure_code == code
    shown = operator_client.get(reverse("imports:detail", args=[run.pk])).content.decode()
    assert str(failure(code, run.failure_detail, REFUSALS).title) in shown.replace("&quot;", '"')
    with pytest.raises(Refused):
        start_check(run_id=run.pk, mapping=run.mapping, options={})


def test_a_file_without_a_header_is_read_by_position(operator, at):
    run = receive(upload=upload("1001,13812342716\n1002,13812342717\n"), actor=operator, at=at)
    assert (run.has_header, run.columns) == (False, ["1", "2"])
    start_check(run_id=run.pk, mapping=["external_id", "phone"], options={})
    work(run_id=run.pk, at=at)
    assert again(run).to_create == 2


def test_nul_nan_formulas_and_long_cells(operator, at):
    long = "x" * (128 * 1024 + 1)
    run = checked(
        "external_id,city,birthday_on\n"
        f"A1,a\0b,\nA2,{long},\nA3,=1+1,\nA4,NaN,\nA5,ok,NaN\n1.2E+11,ok,\nA7,'=kept,\nA8,{'y' * 81},\n",
        actor=operator, at=at,
    )  # fmt: skip
    assert [(row, code) for row, _, code, _ in issues(run)] == [
        (2, "nul"), (3, "cell_too_long"), (4, "formula"), (5, "placeholder"), (6, "not_a_number"), (7, "scientific"),
        (9, "too_long"),
    ]  # fmt: skip
    assert run.to_create == 1


def test_an_empty_sheet_or_only_a_header(operator, at):
    assert failed("external_id,city\n", actor=operator, at=at).failure_code == "no_rows"


def test_a_workbook_goes_the_same_way(operator, at):
    TierFactory(code="gold", name="Gold", name_zh="金卡")
    run = written(
        workbook(
            ["会员编号", "姓名", "会员等级", "激活时间", "到期时间", "自动续费"],
            [1001, "王小明", "金卡", date(2026, 11, 2), 46358, True],
            [None, None, None, None, None, None],
            ["A2", "李雷", "金卡", "2026-11-02", date(2026, 12, 1), "否"],
        ),
        name="list.xlsx", actor=operator, at=at,
    )  # fmt: skip
    assert (run.created_count, run.rows_read, codes(run)) == (2, 2, {"excel_serial"})
    member = Member.objects.get(display_name="王小明")
    assert member.identities.get().value == "1001"
    assert f"{member.terms.get().ends_at:%Y-%m-%d %H}" == "2026-12-02 16"


def test_formula_cells_in_a_workbook_are_named(operator, at):
    run = checked(workbook(["external_id", "city"], ["A1", "=1+1"], ["A2", "x"]), name="a.xlsx", actor=operator, at=at)
    assert issues(run) == [(2, "", "formula_cell", "=1+1")]
    assert run.issues.get().column == "city"
    assert run.to_create == 1


def archive(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return out.getvalue()


def test_bombs_are_not_opened(operator, at):
    bomb = archive({"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": b"0" * (40 * 1024 * 1024)})
    assert len(bomb) < 100_000
    assert refused(bomb, "list.xlsx", actor=operator, at=at) == "zip_bomb"
    laughs = archive(
        {"xl/workbook.xml": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaa">]><workbook>&a;</workbook>'}
    )
    assert refused(laughs, "list.xlsx", actor=operator, at=at) == "zip_bomb"
    assert refused(archive({"readme.txt": b"hi"}), "list.xlsx", actor=operator, at=at) == "not_a_workbook"
    assert refused(archive({"xl/workbook.xml": b"<broken"}), "list.xlsx", actor=operator, at=at) == "not_a_workbook"


def test_a_bomb_that_lies_about_its_sizes(operator, at):
    content = bytearray(archive({"xl/workbook.xml": b"0" * (40 * 1024 * 1024)}))
    # The declared sizes, in the local header and in the directory, say one byte.
    real = (40 * 1024 * 1024).to_bytes(4, "little")
    while (found := content.find(real)) >= 0:
        content[found : found + 4] = (1).to_bytes(4, "little")
    assert refused(bytes(content), "list.xlsx", actor=operator, at=at) in ("zip_bomb", "not_a_workbook")


def test_too_many_broken_rows_end_the_reading(operator, at):
    run = failed(csv("external_id,city", ["A1,x"] + ["A,b,c"] * 10_001), actor=operator, at=at)
    assert run.failure_code == "too_many_bad_rows"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xfea",
        b"PK\x03\x04",
        b"a,a\n1,2",
        b'"',
        b'a\n"',
        b"\0\0\0\0",
        b"\n",
        b"a",
        b"a\n\0",
        "，".encode() * 9,
    ],
)
def test_no_upload_breaks_the_page(content, operator_client):
    response = operator_client.post(reverse("imports:new"), {"file": upload(content or b" ", "x.csv")})
    assert response.status_code in (302, 422)
    for run in ImportRun.objects.all():
        assert operator_client.get(reverse("imports:detail", args=[run.pk])).status_code == 200


def test_every_wording_is_a_sentence_with_a_fix():
    for wording in (*ISSUES.values(), *REFUSALS.values()):
        assert str(wording.title)
        assert str(wording.fix).endswith(".")
