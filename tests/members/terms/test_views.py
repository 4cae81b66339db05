"""A page for each term operation."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import localtime

from config.audit.models import AuditEntry
from members.lifecycle.models import MemberLifecycle
from members.terms.models import MembershipTerm
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]


@pytest.fixture
def plan():
    return factories.PlanFactory()


@pytest.fixture
def member(now):
    return factories.make_member(at=now - timedelta(days=40))


def state_of(member) -> str:
    return MemberLifecycle.objects.get(pk=member.pk).lifecycle_state


def post(client, name, pk, **data):
    return client.post(reverse(f"members:{name}", args=[pk]), data)


def test_purchase_in_yuan_becomes_cents_and_moves_the_member(operator_client, operator, member, plan):
    response = post(
        operator_client, "purchase", member.pk, plan=plan.pk, price="268.50", external_ref="O-1", auto_renewal="on"
    )
    assert response["Location"] == member.get_absolute_url()
    term = MembershipTerm.objects.get()
    assert (term.price_cents, term.external_ref, term.recorded_by) == (26850, "O-1", operator)
    row = MemberLifecycle.objects.get(pk=member.pk)
    assert (row.lifecycle_state, row.auto_renewal_flag) == ("first_paid", True)


def test_purchase_without_a_price_takes_the_plans(operator_client, member, plan):
    post(operator_client, "purchase", member.pk, plan=plan.pk)
    assert MembershipTerm.objects.get().price_cents == plan.price_cents


@pytest.mark.parametrize("price", ["-1", "1.234", "NaN", "Infinity", "abc", "99999999999999"])
def test_a_bad_price_is_refused_with_the_form(operator_client, member, plan, price):
    response = post(operator_client, "purchase", member.pk, plan=plan.pk, price=price)
    assert response.status_code == 422
    assert not MembershipTerm.objects.exists()


def test_the_same_order_number_books_once(operator_client, member, plan):
    for _ in range(2):
        post(operator_client, "purchase", member.pk, plan=plan.pk, external_ref="O-1")
    assert MembershipTerm.objects.count() == 1


def test_an_order_number_of_somebody_else_is_refused(operator_client, member, plan, now):
    other = factories.make_member(at=now)
    factories.make_term(member=other, at=now, plan=plan, external_ref="O-1")
    response = post(operator_client, "purchase", member.pk, plan=plan.pk, external_ref="O-1")
    assert response.status_code == 422
    assert "belongs to another member" in response.content.decode()


def test_trial_renew_gift_compensate(operator_client, member, plan):
    assert post(operator_client, "trial", member.pk, plan=plan.pk).status_code == 302
    assert state_of(member) == "trial"
    assert post(operator_client, "trial", member.pk, plan=plan.pk).status_code == 422
    assert post(operator_client, "renew", member.pk).status_code == 422
    assert post(operator_client, "gift", member.pk, plan=plan.pk).status_code == 302
    assert state_of(member) == "trial"
    assert post(operator_client, "gift", member.pk, plan=plan.pk, starts_now="on").status_code == 302
    assert state_of(member) == "first_paid"
    assert post(operator_client, "renew", member.pk, external_ref="R-1").status_code == 302
    assert post(operator_client, "compensate", member.pk, days=3, reason="outage").status_code == 302
    assert post(operator_client, "compensate", member.pk, days=3).status_code == 422
    kinds = list(MembershipTerm.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["trial", "gift", "gift", "gift", "paid", "gift", "compensation"]
    assert AuditEntry.objects.get(action="term.compensation").reason == "outage"


def test_a_late_refund_needs_a_reason_and_ends_cover(operator_client, member, plan, now):
    term = factories.make_term(member=member, at=now - timedelta(days=15), plan=plan)
    assert post(operator_client, "refund", term.pk).status_code == 422
    assert post(operator_client, "refund", term.pk, amount="99").status_code == 422
    assert post(operator_client, "refund", term.pk, amount="1").status_code == 302
    assert state_of(member) == "first_paid"
    assert post(operator_client, "refund", term.pk, reason="asked").status_code == 302
    assert state_of(member) == "expired"
    assert post(operator_client, "void", term.pk, reason="x").status_code == 403


def test_void_is_for_admins(admin_client, member, plan, now):
    term = factories.make_term(member=member, at=now - timedelta(days=3), plan=plan)
    assert post(admin_client, "void", term.pk, reason="booked on the wrong person").status_code == 302
    assert state_of(member) == "prospect"


def test_change_tier(operator_client, member, plan, now):
    term = factories.make_term(member=member, at=now - timedelta(days=3), plan=plan)
    better = factories.TierFactory()
    assert post(operator_client, "change-tier", term.pk, tier=plan.tier_id, reason="x").status_code == 422
    assert post(operator_client, "change-tier", term.pk, tier=better.pk, reason="x").status_code == 302
    assert MemberLifecycle.objects.get(pk=member.pk).tier == better


def test_auto_renewal_and_its_failure(operator_client, member, plan, now):
    factories.make_term(member=member, at=now - timedelta(days=28), plan=plan)
    assert post(operator_client, "auto-renewal-on", member.pk).status_code == 302
    assert MemberLifecycle.objects.get(pk=member.pk).auto_renewal_flag
    assert state_of(member) == "first_paid"
    assert post(operator_client, "renewal-failure", member.pk).status_code == 302
    assert state_of(member) == "expiring"
    assert post(operator_client, "auto-renewal-on", member.pk).status_code == 302
    assert post(operator_client, "auto-renewal-off", member.pk).status_code == 302
    assert not MemberLifecycle.objects.get(pk=member.pk).auto_renewal_flag


def test_in_the_drawer_the_page_answers_with_a_fragment_and_a_redirect(operator_client, member, plan):
    address = reverse("members:purchase", args=[member.pk])
    htmx = {"HX-Request": "true"}
    assert b"<html" not in operator_client.get(address, headers=htmx).content
    assert operator_client.post(address, {}, headers=htmx).status_code == 422
    done = operator_client.post(address, {"plan": plan.pk}, headers=htmx)
    assert done["HX-Redirect"] == member.get_absolute_url()


@pytest.mark.parametrize(
    "name",
    ["purchase", "renew", "trial", "gift", "compensate", "auto-renewal-on", "auto-renewal-off", "renewal-failure"],
)
def test_a_viewer_acts_on_nobody(viewer_client, member, plan, name):
    before = AuditEntry.objects.count()
    assert post(viewer_client, name, member.pk, plan=plan.pk, days=3, reason="x").status_code == 403
    assert not MembershipTerm.objects.exists()
    assert AuditEntry.objects.count() == before


def test_bulk_asks_first_and_says_who_will_not(operator_client, member, plan, now):
    factories.make_term(member=member, at=now, plan=plan, auto_renewal=True)
    other = factories.make_member(at=now)
    data = {"action": "auto_renewal_off", "ids": [member.pk, other.pk], "query": "state=first_paid"}
    asked = operator_client.post(reverse("members:bulk"), data)
    assert [m.pk for m in asked.context["will"]] == [member.pk]
    assert [m.pk for m, _ in asked.context["wont"]] == [other.pk]
    assert MemberLifecycle.objects.get(pk=member.pk).auto_renewal_flag
    done = operator_client.post(reverse("members:bulk"), {**data, "confirmed": "1"})
    assert done["Location"] == reverse("members:list") + "?state=first_paid"
    assert not MemberLifecycle.objects.get(pk=member.pk).auto_renewal_flag


def test_bulk_compensation(operator_client, member, plan, now):
    factories.make_term(member=member, at=now, plan=plan)
    never = factories.make_member(at=now)
    data = {"action": "compensate", "ids": [member.pk, never.pk], "confirmed": "1"}
    assert operator_client.post(reverse("members:bulk"), data).status_code == 422
    assert operator_client.post(reverse("members:bulk"), {**data, "days": 3, "reason": "outage"}).status_code == 302
    assert list(MembershipTerm.objects.filter(kind="compensation").values_list("member_id", flat=True)) == [member.pk]


@pytest.mark.parametrize("data", [{}, {"action": "auto_renewal_on"}, {"action": "burn", "ids": ["1"]}])
def test_bulk_without_a_selection_says_so(operator_client, data):
    assert operator_client.post(reverse("members:bulk"), data).status_code == 422


def test_bulk_over_all_pages_is_for_exports_only(operator_client, member):
    data = {"action": "auto_renewal_on", "ids": [member.pk], "all": "1", "confirmed": "1"}
    assert operator_client.post(reverse("members:bulk"), data).status_code == 422
    assert not MemberLifecycle.objects.get(pk=member.pk).auto_renewal_flag


def part(client, name, pk, **data):
    headers = {"HX-Request": "true", "HX-Target": "term-outlook"}
    response = client.post(reverse(f"members:{name}", args=[pk]), {"preview": "1", **data}, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_before_the_press_the_page_shows_what_will_run_until_when_and_what_waits(operator_client, member, plan, now):
    term = factories.make_term(member=member, at=now - timedelta(days=3), plan=plan)
    better = factories.PlanFactory(code="better", tier=factories.TierFactory())
    shown = part(operator_client, "purchase", member.pk, plan=better.pk)
    assert shown.index("Better") < shown.index(">running<") < shown.index(">waits<")
    assert f"{localtime(now):%Y-%m-%d}" in shown
    assert "What runs and waits then" not in part(operator_client, "purchase", member.pk)
    assert MembershipTerm.objects.get() == term


def test_a_refund_shows_what_goes_on_and_less_than_all_shows_nothing(operator_client, member, plan, now):
    factories.make_term(member=member, at=now - timedelta(days=3), plan=plan)
    better = factories.PlanFactory(code="better", tier=factories.TierFactory())
    term = factories.make_term(member=member, at=now - timedelta(days=1), plan=better)
    assert "What runs and waits then" in part(operator_client, "refund", term.pk)
    assert "What runs and waits then" not in part(operator_client, "refund", term.pk, amount="1")
    shown = part(operator_client, "refund", term.pk)
    assert "Better" not in shown[shown.index('class="queue"') : shown.index("</ol>")]
    assert shown.index("Ends now") < shown.index("Better")


def test_a_preview_that_is_refused_says_why(operator_client, member, now):
    assert "there is nothing to renew" in part(operator_client, "renew", member.pk)


def test_a_refund_is_typed_in_the_currency_of_its_order(operator_client, member, now):
    plan = factories.PlanFactory(currency="JPY", price_cents=3000)
    term = factories.make_term(member=member, at=now - timedelta(days=3), plan=plan)
    address = reverse("members:refund", args=[term.pk])
    assert operator_client.post(address, {"amount": "500.5"}).status_code == 422
    operator_client.post(address, {"amount": "500"})
    term.refresh_from_db()
    assert (term.refunded_cents, term.refunded_at) == (500, None)
