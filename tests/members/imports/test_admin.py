"""Import and export in the Django admin: the same pipeline behind django-import-export's pages."""

import re

import pytest
from django.urls import reverse

from config.audit.models import AuditEntry
from members.events.models import Event
from members.imports.models import ImportRun
from members.lifecycle.models import MemberLifecycle
from members.people.models import Identity, Member
from members.terms.models import MembershipTerm
from tests.factories import TierFactory, make_event, make_member
from tests.members.imports.files import csv, upload

pytestmark = pytest.mark.django_db


def bring(client, model: str, text, name="list.csv", fmt="0", encoding="utf-8"):
    """Upload, look at the preview, confirm."""
    page = client.post(
        reverse(f"admin:members_{model}_import"), {"format": fmt, "import_file": upload(text, name, encoding=encoding)}
    )
    shown = page.content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', shown))
    if "import_file_name" not in hidden:
        return shown
    response = client.post(reverse(f"admin:members_{model}_process_import"), hidden)
    assert response.status_code == 302, response.content.decode()[:500]
    return shown


def test_members_come_in_through_the_pipeline_and_no_status_is_written(admin_client):
    text = csv("会员编号,姓名,手机号,会员状态", ["A1,王小明,138 1234 2716,流失", "A2,李雷,13700000000,"])
    bring(admin_client, "member", text, encoding="gb18030")
    assert set(Member.objects.values_list("display_name", flat=True)) == {"王小明", "李雷"}
    assert Identity.objects.filter(kind="phone", value="13812342716").exists()
    assert set(MemberLifecycle.objects.values_list("lifecycle_state", flat=True)) == {"prospect"}
    run = ImportRun.objects.get()
    assert (run.status, run.created_count) == ("done", 2)
    assert AuditEntry.objects.filter(action="import.written").count() == 1


def test_the_preview_names_what_is_wrong_and_leaves_nothing(admin_client):
    shown = bring(admin_client, "member", csv("external_id,phone", ["A1,123", "A2,13700000000"]))
    assert "Not a phone number" in shown
    assert not Member.objects.exists()
    assert not ImportRun.objects.exists()


def test_terms_and_events_too(admin_client, at):
    member = make_member(at=at, identities={"external_id": "A1"})
    TierFactory(code="gold", name="Gold", name_zh="金卡")
    text = csv("external_id,order number,tier,start,end,amount", ["A1,O-1,gold,2026-11-01,2026-12-31,19.90"])
    bring(admin_client, "membershipterm", text)
    term = MembershipTerm.objects.get()
    assert (term.member, term.external_ref, term.price_cents) == (member, "O-1", 1990)
    bring(admin_client, "eventrecord", csv("external_id,event,occurred_at", ["A1,opened,2026-11-10 08:00"]))
    assert Event.objects.get().member == member


@pytest.mark.parametrize(
    ("model", "kind"),
    [("member", "member"), ("membershipterm", "membership_term"), ("eventrecord", "event_record")],
)
def test_exports_are_safe_audited_and_come_back(model, kind, admin_client, at, plan):
    from tests.factories import make_term

    member = make_member(at=at, display_name="=cmd()")
    make_term(member=member, plan=plan, at=at, external_ref="O-1")
    make_event(member=member, at=at)
    address = reverse(f"admin:members_{model}_export")
    boxes = re.findall(r'<input type="checkbox" name="(\w+)"', admin_client.get(address).content.decode())
    assert len(boxes) > 5
    page = admin_client.post(address, {"format": "0", "resource": "0", **dict.fromkeys(boxes, "on")})
    content = page.content.decode("utf-8-sig")
    assert page["Content-Type"].startswith("text/csv"), content[:300]
    assert "\r\n=" not in content
    assert ",=" not in content
    assert AuditEntry.objects.filter(action=f"{kind}.exported").count() == 1
    assert "lifecycle" not in content.splitlines()[0]


@pytest.mark.parametrize("model", ["member", "membershipterm", "eventrecord", "memberlifecycle", "lifecycletransition"])
def test_records_are_read_only_and_for_admins(model, admin_client, operator_client, at, plan):
    from tests.factories import make_term

    make_term(member=make_member(at=at), plan=plan, at=at)
    make_event(member=Member.objects.get(), at=at)
    address = reverse(f"admin:members_{model}_changelist")
    assert admin_client.get(address).status_code == 200
    assert operator_client.get(address).status_code == 302
    from django.apps import apps

    first = apps.get_model("members", model)._default_manager.order_by("pk").first()
    change = reverse(f"admin:members_{model}_change", args=[first.pk])
    assert admin_client.get(change).status_code == 200
    assert admin_client.post(change, {}).status_code == 403
    assert admin_client.get(reverse(f"admin:members_{model}_add")).status_code == 403
