import pytest
from django.urls import reverse

from config.audit.models import AuditEntry
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm
from tests import factories

pytestmark = pytest.mark.django_db

PLAN = {
    "code": "year", "name": "Yearly", "name_zh": "年卡", "duration_unit": "year", "duration_count": 1,
    "price_cents": "268", "currency": "cny", "trial_days": 0, "is_sold": "on",
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


@pytest.mark.parametrize(
    ("currency", "typed", "minor", "shown"),
    [("JPY", "500", 500, "JP¥500"), ("KWD", "1.234", 1234, "KWD 1.234"), ("CLF", "0.0005", 5, "CLF 0.0005")],
)
def test_a_price_is_typed_stored_and_shown_in_the_plans_own_currency(
    admin_client, operator_client, at, currency, typed, minor, shown
):
    data = {**PLAN, "tier": factories.TierFactory().pk, "price_cents": typed, "currency": currency}
    assert admin_client.post(reverse("members:plan-new"), data).status_code == 302
    plan = Plan.objects.get()
    assert (plan.price_cents, plan.currency) == (minor, currency)
    assert f'value="{typed}"' in admin_client.get(reverse("members:plan", args=[plan.pk])).content.decode()
    assert shown in admin_client.get(reverse("members:plans")).content.decode()
    member = factories.make_member(at=at)
    buy = reverse("members:purchase", args=[member.pk])
    assert shown in operator_client.get(buy).content.decode()
    refused = operator_client.post(buy, {"plan": plan.pk, "price": "0.00001"})
    assert refused.status_code == 422
    assert operator_client.post(buy, {"plan": plan.pk, "price": typed}).status_code in (204, 302)
    assert MembershipTerm.objects.get().price_cents == minor
    assert shown in operator_client.get(member.get_absolute_url()).content.decode()


def test_a_tier_is_made(admin_client):
    data = {"code": "gold", "name": "Gold", "name_zh": "金卡", "position": 2}
    assert admin_client.post(reverse("members:tier-new"), data).status_code == 302
    assert Tier.objects.get().name_zh == "金卡"
    assert admin_client.post(reverse("members:tier-new"), data).status_code == 422
    assert admin_client.get(reverse("members:plans")).status_code == 200


@pytest.mark.parametrize(
    "wrong", [
        {"duration_count": 0}, {"currency": "YUAN"}, {"currency": "XYZ"}, {"currency": ""}, {"price_cents": "-1"},
        {"price_cents": "500.5", "currency": "JPY"}, {"price_cents": "1.005"},
    ],
)  # fmt: skip
def test_a_wrong_plan_is_refused(admin_client, wrong):
    tier = factories.TierFactory()
    assert admin_client.post(reverse("members:plan-new"), {**PLAN, "tier": tier.pk, **wrong}).status_code == 422
    assert not Plan.objects.exists()


def test_settings_are_for_admins(approver_client):
    assert approver_client.get(reverse("members:plans")).status_code == 403
    assert approver_client.post(reverse("members:tier-new"), {}).status_code == 403
