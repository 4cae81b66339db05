"""The pages of partner codes: filled by hand or file, masked, revealed with a trace, loud when they run low."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from config.audit.models import AuditEntry
from entitlements.codes.models import CodePool, PartnerCode
from entitlements.codes.operations import pools
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]


@pytest.fixture
def pool(now):
    pool = pools.save_pool(actor=None, at=now, code="cinema", partner="Cinema", name="Ticket", low_stock=1)
    pools.take_in(pool_id=pool.pk, codes=["SECRET-AA", "SECRET-BB"], actor=None, at=now)
    return pool


def text(response, status=200):
    assert response.status_code == status, response
    return response.content.decode()


def workbook(*rows):
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def test_a_pool_is_made_and_changed(operator_client):
    form = {"code": "taxi", "partner": "Taxi", "name": "Ride", "worth_cents": "12", "low_stock": "5", "is_open": "on"}
    made = operator_client.post(reverse("codes:new"), form)
    pool = CodePool.objects.get()
    assert made["Location"] == pool.get_absolute_url()
    assert (pool.worth_cents, pool.low_stock) == (1200, 5)
    assert "already exists" in text(operator_client.post(reverse("codes:new"), form), 422)
    operator_client.post(reverse("codes:edit", args=[pool.pk]), {**form, "is_open": ""})
    assert "Closed" in text(operator_client.get(reverse("codes:index")))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("codes.csv", b"code\nN-1\nN-2\nSECRET-AA\n"),
        ("codes.csv", "兑换码,面值\nN-1,5\nN-2,5\nSECRET-AA,5\n".encode("gb18030")),
        ("codes.xlsx", workbook(["code"], ["N-1"], ["N-2"], ["SECRET-AA"])),
        ("codes.txt", b"N-1\r\nN-2\r\nSECRET-AA"),
    ],
)
def test_codes_come_from_a_file(operator_client, pool, name, content):
    upload = reverse("codes:upload", args=[pool.pk])
    answer = operator_client.post(upload, {"file": SimpleUploadedFile(name, content)}, follow=True)
    assert "2 new codes are in. 1 was there already." in text(answer)
    assert set(PartnerCode.objects.values_list("code", flat=True)) == {"SECRET-AA", "SECRET-BB", "N-1", "N-2"}


def test_codes_are_pasted_and_a_bad_list_says_why(operator_client, pool):
    upload = reverse("codes:upload", args=[pool.pk])
    operator_client.post(upload, {"pasted": "N-1, N-2\nN-3"})
    assert PartnerCode.objects.count() == 5
    assert "Paste codes or choose a file." in text(operator_client.post(upload, {}), 422)
    picture = SimpleUploadedFile("codes.csv", b"\x89PNG\r\n\x1a\n")
    text(operator_client.post(upload, {"file": picture}), 422)
    assert PartnerCode.objects.count() == 5


def test_codes_are_masked_until_somebody_asks_for_one(operator_client, viewer_client, pool):
    address = pool.get_absolute_url()
    assert "SECRET" not in text(operator_client.get(address))
    first = PartnerCode.objects.get(code="SECRET-AA")
    reveal = reverse("codes:reveal", args=[first.pk])
    answer = operator_client.post(reveal)
    assert "SECRET-AA" in text(answer)
    assert "SECRET-BB" not in text(answer)
    assert answer["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(action="code_pool.revealed")
    assert entry.data == {"code": first.pk}
    assert reveal not in text(viewer_client.get(address))
    assert viewer_client.post(reveal).status_code == 403
    assert AuditEntry.objects.filter(action="code_pool.revealed").count() == 1


def test_masked_codes_of_one_ending_are_told_apart(operator_client, pool):
    pools.take_in(pool_id=pool.pk, codes=["AX-77112", "BK-90212", "C7-12"], actor=None, at=pool.created_at)
    page = text(operator_client.get(pool.get_absolute_url()))
    assert "AX••••••12" in page
    assert "BK••••••12" in page
    assert "C7" not in page
    for row in PartnerCode.objects.all():
        assert f"#{row.pk}<" in page


def test_a_member_is_handed_one_and_it_stands_on_her_page(operator_client, viewer_client, pool, member, now):
    give = reverse("codes:hand-out", args=[member.pk])
    operator_client.post(give, {"pool": pool.pk})
    operator_client.post(give, {"pool": pool.pk})
    assert PartnerCode.objects.claimed().count() == 1
    page = text(operator_client.get(member.get_absolute_url()))
    assert "Partner code: Ticket" in page
    assert "Partner code handed out" not in page
    assert "SECRET" not in page
    for _ in range(2):
        other = factories.make_member(at=now)
        answer = operator_client.post(reverse("codes:hand-out", args=[other.pk]), {"pool": pool.pk}, follow=True)
    assert "No code is left in this pool." in text(answer)
    assert viewer_client.post(give, {"pool": pool.pk}).status_code == 403


def test_the_first_page_says_when_a_pool_runs_low(operator_client, pool, member, now):
    home = reverse("console:home")
    assert "is running out" not in text(operator_client.get(home))
    pools.claim_code(pool_id=pool.pk, member_id=member.pk, actor=None, at=now)
    page = text(operator_client.get(home))
    assert "Ticket of Cinema is running out" in page
    assert f"{pool.get_absolute_url()}?which=free" in page
    assert "1 code is left." in text(operator_client.get(pool.get_absolute_url()))
