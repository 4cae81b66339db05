"""The value pages: figures that agree with each other, drill-down, settings with a preview, who may what."""

import html
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from config.engine.clock import now
from members.events.models import EventDefinition, Source
from members.events.operations.recording import record_events
from members.merging.operations.merging import merge_members
from members.people.models import Member
from members.tags.models import MemberTag, Tag
from members.terms.operations import terms
from members.value import figures
from members.value.models import GroupChange, MemberValue, ModelEvaluation, RfmThresholds, ValueRun, ValueSettings
from members.value.operations.refreshing import refresh_now
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]

DAY = timedelta(days=1)
FIXED = {
    "window_days": 365, "recency_by": "fixed", "recency_fixed": 30, "frequency_by": "fixed", "frequency_fixed": 3,
    "monetary_by": "fixed", "monetary_fixed": "100.00",
}  # fmt: skip


@pytest.fixture
def buyer(plan) -> Member:
    """In cover, and bought once for 250.00 twenty days ago."""
    at = now()
    EventDefinition.objects.create(name="bought", carries_money=True)
    source = factories.SourceFactory(stale_after_hours=24 * 40)
    RfmThresholds.objects.update(
        recency_by="fixed", recency_value=30, frequency_by="fixed", frequency_value=3, monetary_by="fixed",
        monetary_value=10_000,
    )  # fmt: skip
    ValueSettings.objects.update(counts_terms=False)
    member = factories.make_member(at=at - 100 * DAY, display_name="Ada Byron")
    terms.purchase(member_id=member.pk, plan=plan, at=at - 20 * DAY, actor=None)
    row = {"member_id": member.pk, "name": "bought", "occurred_at": at - 20 * DAY, "message_id": "1"}
    record_events(rows=[row | {"value_cents": 25_000}], source=source, at=at - 20 * DAY)
    return member


def text(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_overview_counts_the_groups_and_leads_to_their_members(viewer_client, buyer):
    assert "No scores yet" in text(viewer_client.get(reverse("value:overview")))
    factories.make_member(at=now())
    refresh_now(at=now())
    page = viewer_client.get(reverse("value:overview"))
    assert "1 buyer · 1 without a purchase in the window" in text(page)
    cards = {card.group.value: card for card in page.context["overview"].cards}
    assert (cards[2].members, cards[2].cents, cards[2].share, cards[2].revenue_share) == (1, 25_000, 1, 1)
    assert [card.members for card in cards.values()] == [0, 1, 0, 0, 0, 0, 0, 0]
    assert "bundles" in text(page)
    listed = viewer_client.get(cards[2].href)
    assert f"/members/{buyer.pk}/" in listed.content.decode()
    assert "No member matches" in text(viewer_client.get(cards[1].href))
    assert "AUC 0.82–0.84 over 100 random splits" in text(page)
    assert "The fitted weights in use are those." in text(page)


def test_whoever_was_merged_is_in_no_figure_before_the_next_refresh(viewer_client, buyer, admin):
    survivor = factories.make_member(at=now() - 100 * DAY)
    refresh_now(at=now())
    merge_members(actor=admin, at=now(), survivor_id=survivor.pk, absorbed_id=buyer.pk)
    overview = viewer_client.get(reverse("value:overview")).context["overview"]
    assert sum(card.members for card in overview.cards) == 0
    assert sum(figures.by_band(figures.last_run()).values()) == 0
    assert sum(figures.risk_histogram(figures.last_run())) == 0


def test_members_are_listed_by_risk_and_maturity(viewer_client, buyer):
    refresh_now(at=now())
    MemberValue.objects.filter(pk=buyer.pk).update(risk_score=60, is_mature=True)
    listed = reverse("members:list")
    found = {
        query: f"/members/{buyer.pk}/" in viewer_client.get(f"{listed}?{query}").content.decode()
        for query in ("risk=high", "risk=medium", "mature=on", "mature=off", "rfm=2", "rfm=1")
    }
    assert found == {
        "risk=high": True, "risk=medium": False, "mature=on": True, "mature=off": False, "rfm=2": True, "rfm=1": False,
    }  # fmt: skip


def test_her_page_says_everything_with_its_raw_values(viewer_client, buyer):
    address = buyer.get_absolute_url()
    assert "Not scored yet" in text(viewer_client.get(address))
    refresh_now(at=now())
    page = text(viewer_client.get(address))
    assert "Core to develop" in page
    assert "20 days ago · recent" in page
    assert "¥250 · high spend" in page
    assert "a member for less than 6 months +1.06" in page
    assert "Advocacy: no data" in page
    assert "Value concentration unknown" in page
    assert "AUC 0.82–0.84 over 100 random splits" in page
    model = text(viewer_client.get(reverse("value:risk-model")))
    assert "AUC 0.82–0.84 Brier score 0.14–0.15 Spread the middle four fifths of 100 random splits" in model
    assert "0.838" not in model


def test_other_weights_than_those_measured_are_named(viewer_client, buyer):
    ModelEvaluation.objects.update(weights_version="000000000000")
    refresh_now(at=now())
    assert "The weights in use are not those" in text(viewer_client.get(buyer.get_absolute_url()))
    assert "are not the ones measured here" in text(viewer_client.get(reverse("value:risk-model")))
    ModelEvaluation.objects.all().delete()
    assert "Never measured" in text(viewer_client.get(reverse("value:risk-model")))


def test_a_silent_source_is_named_on_the_overview_and_on_her_page(viewer_client, buyer):
    at = now()
    refresh_now(at=at - DAY)
    Source.objects.filter(code="app").update(stale_after_hours=24, name="Shop feed")
    refresh_now(at=at)
    for address in (reverse("value:overview"), buyer.get_absolute_url()):
        page = text(viewer_client.get(address))
        assert "Source Shop feed silent." in page, address
        assert f"as of {(at - DAY):%Y-%m-%d}" in page or "as of" in page


def test_a_preview_shows_the_change_and_saves_nothing(operator_client, buyer):
    refresh_now(at=now())
    address = reverse("value:thresholds")
    assert operator_client.get(address).status_code == 200
    page = operator_client.post(address, FIXED | {"recency_fixed": 10, "action": "preview"})
    assert "1 member would change group" in text(page)
    assert RfmThresholds.objects.get().recency_value == 30
    assert not ValueRun.objects.filter(finished_at=None).exists()
    saved = operator_client.post(address, FIXED | {"recency_fixed": 10, "action": "save"})
    assert saved.status_code == 302
    own = RfmThresholds.objects.get()
    assert (own.recency_value, own.frequency_value, own.monetary_value) == (10, 3, 10_000)
    assert "being computed anew" in text(operator_client.get(reverse("value:overview")))


def test_an_axis_needs_the_value_it_goes_by(operator_client):
    address = reverse("value:thresholds")
    page = operator_client.post(address, FIXED | {"recency_by": "quantile", "action": "save"})
    assert page.status_code == 422
    assert "The axis goes by this value" in text(page)
    assert operator_client.post(address, FIXED | {"frequency_fixed": 10**30}).status_code == 422
    assert RfmThresholds.objects.get().recency_by == "quantile"


def test_a_plan_gets_thresholds_and_gives_them_back(operator_client, plan):
    address = reverse("value:plan-thresholds", args=[plan.pk])
    assert operator_client.post(address, FIXED | {"action": "save"}).status_code == 302
    assert RfmThresholds.objects.get(plan=plan).monetary_value == 10_000
    drop = reverse("value:plan-thresholds-drop", args=[plan.pk])
    assert operator_client.post(drop).status_code == 302
    assert not RfmThresholds.objects.filter(plan=plan).exists()
    assert "no thresholds of its own" in text(operator_client.post(drop, follow=True))


def test_settings_are_saved_and_faults_named(operator_client, plan):
    address = reverse("value:settings")
    good = {
        "currency": "usd", "counts_terms": "on", "spend_ratio_min": "1.5", "active_days_min": 10,
        "referral_percent_min": 5, "variation_percent_max": 20, f"cost_{plan.tier_id}": "12.50",
    }  # fmt: skip
    assert operator_client.get(address).status_code == 200
    assert operator_client.post(address, good | {"currency": "€"}).status_code == 422
    one = EventDefinition.objects.create(name="invited")
    assert "needs both events" in text(operator_client.post(address, good | {"invited_event": one.pk}))
    assert operator_client.post(address, good).status_code == 302
    chosen = ValueSettings.objects.get()
    assert (chosen.currency, chosen.active_days_min) == ("USD", 10)
    assert plan.tier.tiercost.monthly_cents == 1250


def test_who_moved_is_listed_page_by_page(viewer_client, buyer):
    at = now()
    GroupChange.objects.bulk_create(
        [GroupChange(member=buyer, from_group=1 + n % 2, to_group=4, at=at - DAY) for n in range(60)]
    )
    address = reverse("value:changes")
    page = viewer_client.get(address)
    assert page.content.decode().count(buyer.get_absolute_url()) == 50
    rest = viewer_client.get(address, {"before": page.context["changes"].next_before})
    assert rest.content.decode().count(buyer.get_absolute_url()) == 10
    some = viewer_client.get(address, {"source": 1, "target": 4})
    assert some.content.decode().count(buyer.get_absolute_url()) == 30
    assert viewer_client.get(address, {"source": "x", "before": "9" * 40}).status_code == 200


def test_only_operators_change_anything(viewer_client, plan):
    for name, args in (
        ("refresh", []), ("thresholds", []), ("settings", []), ("plan-thresholds", [plan.pk]),
        ("plan-thresholds-drop", [plan.pk]),
    ):  # fmt: skip
        assert viewer_client.post(reverse(f"value:{name}", args=args), FIXED | {"action": "save"}).status_code == 403
    assert not ValueRun.objects.exists()


def test_asking_twice_waits_for_one_refresh(operator_client):
    for _ in range(2):
        assert operator_client.post(reverse("value:refresh")).status_code == 302
    assert ValueRun.objects.count() == 1


def test_a_tag_of_churn_beside_a_low_risk_says_that_it_goes_by_its_rule(viewer_client, buyer):
    refresh_now(at=now())
    tag = Tag.objects.get(code="high_churn_risk")
    MemberTag.objects.create(member=buyer, code=tag.code, since=now(), cause="rule", rule_version=1)
    address, line = buyer.get_absolute_url(), "goes by its rule, which looks at other facts than this estimate."
    MemberValue.objects.filter(pk=buyer.pk).update(risk_score=12)
    page = viewer_client.get(address)
    assert line in text(page)
    assert "Churn risk the model's estimate" in html.unescape(text(page))
    assert page.content.decode().count(f'href="{tag.get_absolute_url()}" title="by its rule, v1"') == 3
    assert reverse("tags:why", args=[buyer.pk, tag.pk]) in page.content.decode()
    MemberValue.objects.filter(pk=buyer.pk).update(risk_score=88)
    assert line not in text(viewer_client.get(address))
    MemberValue.objects.filter(pk=buyer.pk).update(risk_score=12)
    MemberTag.objects.filter(member=buyer).delete()
    assert line not in text(viewer_client.get(address))
