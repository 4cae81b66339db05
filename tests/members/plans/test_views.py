import pytest
from django.urls import reverse

from config.audit.models import AuditEntry
from members.plans.models import Plan, Tier
from tests import factories

pytestmark = pytest.mark.django_db

PLAN = {
    "code": "year", "name": "Yearly", "name_zh": "年卡", "duration_unit": "year", "duration_count": 1,
    "price_cents": "268", "currency": "cny", "trial_days": 0, "switch_policy": "immediate", "is_sold": "on",
}  # fmt: skip


def test_a_plan_is_made_and_changed(admin_client):
    tier = factories.TierFactory()
    assert admin_client.post(reverse("members:plan-new"), {**PLAN, "tier": tier.pk}).status_code == 302
    plan = Plan.objects.get(code="year")
    assert (plan.price_cents, plan.currency) == (26800, "CNY")
    page = admin_client.get(reverse("members:plan", args=[plan.pk])).content.decode()
    assert 'value="268"' in page or 'value="268.00"' in page
    changed = {**PLAN, "tier": tier.pk, "price_cents": "299.90"}
    assert admin_client.post(reverse("members:plan", args=[plan.pk]), changed).status_code == 302
    plan.refresh_from_db()
    assert plan.price_cents == 29990
    entries = AuditEntry.objects.filter(action="plan.saved").order_by("pk")
    assert entries[1].data["fields"] == ["price_cents"]


def test_a_tier_is_made(admin_client):
    data = {"code": "gold", "name": "Gold", "name_zh": "金卡", "position": 2}
    assert admin_client.post(reverse("members:tier-new"), data).status_code == 302
    assert Tier.objects.get().name_zh == "金卡"
    assert admin_client.post(reverse("members:tier-new"), data).status_code == 422
    assert admin_client.get(reverse("members:plans")).status_code == 200


@pytest.mark.parametrize("wrong", [{"duration_count": 0}, {"currency": "YUAN"}, {"price_cents": "-1"}])
def test_a_wrong_plan_is_refused(admin_client, wrong):
    tier = factories.TierFactory()
    assert admin_client.post(reverse("members:plan-new"), {**PLAN, "tier": tier.pk, **wrong}).status_code == 422
    assert not Plan.objects.exists()


def test_settings_are_for_admins(approver_client):
    assert approver_client.get(reverse("members:plans")).status_code == 403
    assert approver_client.post(reverse("members:tier-new"), {}).status_code == 403
