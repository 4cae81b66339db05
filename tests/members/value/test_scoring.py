"""Maturity, risk, concentration and silent feeds, on lives small enough to work out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from members.events.models import EventDefinition, Source
from members.events.operations.recording import note_arrival, record_events
from members.people.models import Member
from members.terms.models import MemberSignal
from members.terms.operations import terms
from members.value import weights
from members.value.fitting import sigmoid
from members.value.models import GroupChange, MemberValue, RfmThresholds, TierCost, ValueRun, ValueSettings
from members.value.operations import refreshing, saving
from members.value.operations.refreshing import refresh_now
from tests import factories

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FIXED = {
    "window_days": 365, "recency_by": "fixed", "recency_value": 30, "frequency_by": "fixed", "frequency_value": 3,
    "monetary_by": "fixed", "monetary_value": 10_000,
}  # fmt: skip


@pytest.fixture
def shop(db) -> Source:
    EventDefinition.objects.create(name="bought", carries_money=True, is_activity=False)
    return factories.SourceFactory(code="shop")


def newcomer(at: datetime = AT - 300 * DAY) -> Member:
    return factories.make_member(at=at)


def pay(member: Member, source: Source, *payments: tuple[datetime, int], currency: str = "CNY", name="bought") -> None:
    record_events(
        rows=[
            {"member_id": member.pk, "name": name, "occurred_at": at, "message_id": f"{name}-{member.pk}-{at}-{n}",
             "value_cents": cents, "currency": currency}
            for n, (at, cents) in enumerate(payments)
        ],
        source=source, at=max(at for at, _ in payments),
    )  # fmt: skip


def value(member: Member) -> MemberValue:
    return MemberValue.objects.get(pk=member.pk)


def month(number: int) -> datetime:
    """The tenth of the month so many months before November 2026."""
    return datetime(2026, 11 - number, 10, 4, tzinfo=UTC)


def test_bits_raw_values_and_group_by_fixed_thresholds(shop):
    RfmThresholds.objects.update(**FIXED)
    often, once = newcomer(), newcomer()
    pay(often, shop, (AT - 1 * DAY, 4000), (AT - 40 * DAY, 4000), (AT - 80 * DAY, 3000), (AT - 400 * DAY, 99_999))
    pay(once, shop, (AT - 31 * DAY, 9_999))
    nobody = newcomer()
    refresh_now(at=AT)
    found = value(often)
    assert (found.recency_days, found.frequency, found.monetary_cents) == (1, 3, 11_000)
    assert (found.is_recent, found.is_frequent, found.is_big, found.rfm_group) == (True, True, True, 1)
    assert (value(once).recency_days, value(once).rfm_group) == (31, 8)
    assert (value(nobody).rfm_group, value(nobody).monetary_cents, value(nobody).is_recent) == (None, None, None)


def test_a_refund_lessens_what_was_spent_and_other_currencies_stay_out(shop):
    member = newcomer()
    pay(member, shop, (AT - 3 * DAY, 5000), (AT - 2 * DAY, -2000))
    pay(member, shop, (AT - DAY, 700), currency="USD", name="bought")
    run = refresh_now(at=AT)
    assert (value(member).frequency, value(member).monetary_cents, value(member).recency_days) == (1, 3000, 3)
    assert run.left_out == 1


def test_terms_in_another_currency_are_left_out_and_said(shop, plan):
    member = newcomer()
    dollars = factories.PlanFactory(code="dollars", price_cents=900, currency="USD")
    terms.purchase(member_id=member.pk, plan=plan, at=AT - 10 * DAY, actor=None)
    terms.purchase(member_id=member.pk, plan=dollars, at=AT - 5 * DAY, actor=None)
    run = refresh_now(at=AT)
    assert value(member).monetary_cents == plan.price_cents
    assert run.left_out == 1
    ValueSettings.objects.update(counts_terms=False)
    assert refresh_now(at=AT).left_out == 0


def test_an_amount_that_names_no_currency_is_the_projects_own(shop):
    member = newcomer()
    pay(member, shop, (AT - DAY, 700), currency="")
    assert refresh_now(at=AT).left_out == 0
    assert value(member).monetary_cents == 700
    ValueSettings.objects.update(currency="USD")
    assert refresh_now(at=AT).left_out == 1
    assert value(member).monetary_cents is None


def test_membership_payments_count_unless_switched_off(shop, plan):
    member = newcomer()
    terms.purchase(member_id=member.pk, plan=plan, at=AT - 10 * DAY, actor=None)
    refresh_now(at=AT)
    assert (value(member).frequency, value(member).monetary_cents) == (1, plan.price_cents)
    ValueSettings.objects.update(counts_terms=False)
    refresh_now(at=AT)
    assert value(member).frequency is None


def test_days_are_those_of_the_members_clock(shop):
    here, there = newcomer(), newcomer()
    type(there.lifecycle).objects.filter(pk=there.pk).update(time_zone="Pacific/Kiritimati")
    # Noon in Shanghai: in Kiritimati (+14) it is 18:00. 11 hours before, midnight lies between only in Shanghai.
    for member in (here, there):
        pay(member, shop, (AT - timedelta(hours=13), 100))
    refresh_now(at=AT)
    assert (value(here).recency_days, value(there).recency_days) == (1, 0)


def test_a_plan_has_thresholds_of_its_own(shop, operator, plan):
    RfmThresholds.objects.update(**FIXED)
    inside, outside = newcomer(), newcomer()
    terms.purchase(member_id=inside.pk, plan=plan, at=AT - 10 * DAY, actor=None)
    for member in (inside, outside):
        pay(member, shop, (AT - DAY, 5000))
    saving.save_thresholds(plan_id=plan.pk, actor=operator, at=AT, values=FIXED | {"monetary_value": 1000})
    refresh_now(at=AT)
    assert (value(inside).is_big, value(outside).is_big) == (True, False)
    assert saving.drop_thresholds(plan_id=plan.pk, actor=operator, at=AT)
    refresh_now(at=AT)
    assert value(inside).is_big is False
    assert not saving.drop_thresholds(plan_id=plan.pk, actor=operator, at=AT)


def test_moves_between_groups_are_kept(shop):
    RfmThresholds.objects.update(**FIXED)
    member = newcomer()
    pay(member, shop, (AT - 20 * DAY, 20_000))
    refresh_now(at=AT)
    assert refresh_now(at=AT + DAY).moved == 0
    refresh_now(at=AT + 20 * DAY)
    moves = GroupChange.objects.filter(member=member).order_by("at").values_list("from_group", "to_group", "at")
    assert list(moves) == [(None, 2, AT), (2, 4, AT + 20 * DAY)]


def test_a_preview_says_who_would_move_and_writes_nothing(shop):
    RfmThresholds.objects.update(**FIXED)
    member = newcomer()
    pay(member, shop, (AT - 20 * DAY, 20_000))
    refresh_now(at=AT)
    shifts = saving.preview_thresholds(plan_id=None, at=AT, values=FIXED | {"recency_value": 10})
    assert [(s.now, s.then, s.members, s.cents) for s in shifts] == [(2, 4, 1, 20_000)]
    assert value(member).rfm_group == 2
    assert RfmThresholds.objects.get().recency_value == 30


def test_spend_and_variation_by_calendar_months(shop):
    steady, wild, young = newcomer(), newcomer(), newcomer()
    pay(steady, shop, *((month(n), 6000) for n in range(1, 7)))
    pay(wild, shop, (month(6), 600), (month(1), 600))
    pay(young, shop, (month(1), 3000))
    refresh_now(at=AT)
    assert (value(steady).spend_month_cents, value(steady).spend_variation) == (6000, pytest.approx(0))
    # 600, 0, 0, 0, 0, 600: mean 200, deviation 282.84.
    assert (value(wild).spend_month_cents, value(wild).spend_variation) == (200, pytest.approx(2**0.5))
    # One month says nothing about variation.
    assert (value(young).spend_month_cents, value(young).spend_variation) == (3000, None)
    mean = (6000 + 200 + 3000) / 3
    assert value(steady).spend_ratio == pytest.approx(6000 / mean)


def test_a_yearly_term_is_not_one_wild_month(db):
    plan = factories.PlanFactory(duration_unit="year", price_cents=36_500)
    member = newcomer()
    terms.purchase(member_id=member.pk, plan=plan, at=AT - 250 * DAY, actor=None)
    refresh_now(at=AT)
    assert value(member).spend_month_cents == pytest.approx(3050, rel=0.02)
    assert value(member).spend_variation < 0.05


def test_a_year_that_was_set_aside_lies_evenly_over_the_days_it_runs(db):
    year = factories.PlanFactory(duration_unit="year", price_cents=36_500, tier=factories.TierFactory(position=1))
    better = factories.PlanFactory(price_cents=0, tier=factories.TierFactory(position=2))
    member = newcomer()
    terms.purchase(member_id=member.pk, plan=year, at=AT - 250 * DAY, actor=None)
    terms.purchase(member_id=member.pk, plan=better, at=AT - 249 * DAY, actor=None)
    refresh_now(at=AT)
    assert value(member).spend_month_cents == pytest.approx(3050, rel=0.02)
    assert value(member).spend_variation < 0.05


def test_maturity_is_what_the_known_parts_agree_on(shop):
    invited, joined = (
        EventDefinition.objects.create(name=name, is_activity=False) for name in ("invited", "friend_joined")
    )
    ValueSettings.objects.update(invited_event=invited, converted_event=joined)
    app = factories.SourceFactory()
    for _ in range(4):
        pay(newcomer(), shop, *((month(n), 1000) for n in range(1, 7)))
    mature, lazy, unknown = newcomer(), newcomer(), newcomer()
    for member in (mature, lazy):
        pay(member, shop, *((month(n), 9000) for n in range(1, 7)))
    for day in range(15):
        factories.make_event(member=mature, at=AT - day * DAY, source=app)
    for number in range(10):
        factories.make_event(member=mature, at=AT - number * DAY, name="invited", source=app)
    factories.make_event(member=mature, at=AT - DAY, name="friend_joined", source=app)
    refresh_now(at=AT)
    found = value(mature)
    assert (found.active_days, found.referral_rate, found.is_mature, found.maturity_score) == (15, 0.1, True, 100)
    assert found.spend_ratio > 2
    assert (value(lazy).active_days, value(lazy).referral_rate, value(lazy).is_mature) == (0, None, False)
    assert (value(unknown).spend_ratio, value(unknown).referral_rate, value(unknown).spend_variation) == (None,) * 3


def test_without_an_activity_source_behaviour_is_no_data(shop):
    shop.is_activity_source = False
    shop.save()
    member, other = newcomer(), newcomer()
    pay(member, shop, *((month(n), 9000) for n in range(1, 7)))
    pay(other, shop, (month(6), 1))
    nobody = newcomer()
    refresh_now(at=AT)
    assert (value(member).active_days, value(member).is_mature) == (None, False)
    assert (value(nobody).is_mature, value(nobody).maturity_score) == (None, None)
    ValueSettings.objects.update(spend_ratio_min="1.50")
    refresh_now(at=AT)
    assert value(member).is_mature is True


def by_hand(**bins: str) -> int:
    chosen = {f.code: {b.code: b.weight for b in f.bins} for f in weights.FEATURES}
    return round(100 * sigmoid(weights.BIAS + sum(chosen[code][name] for code, name in bins.items())))


def test_risk_adds_the_weights_of_her_bins(db, plan):
    app = factories.SourceFactory(connected_at=AT - 300 * DAY)
    member, gone = newcomer(), newcomer()
    terms.purchase(member_id=member.pk, plan=plan, at=AT - 20 * DAY, actor=None, auto_renewal=True)
    terms.purchase(member_id=gone.pk, plan=plan, at=AT - 200 * DAY, actor=None)
    factories.make_event(member=member, at=AT - 16 * DAY, source=app)
    MemberSignal.objects.create(member=member, kind="renewal_failed", at=AT - 5 * DAY)
    refresh_now(at=AT)
    bins = {
        "tenure": "under_6", "contract": "short", "renewal": "automatic", "price": "middle", "silence": "15_to_30",
        "failure": "some",
    }  # fmt: skip
    assert value(member).risk_factors == bins
    assert value(member).risk_score == by_hand(**bins)
    assert (value(gone).risk_score, value(gone).risk_factors) == (None, None)


def test_what_is_not_known_adds_nothing_to_the_risk(db, plan):
    member = newcomer()
    terms.give_term(member_id=member.pk, plan=plan, at=AT - 20 * DAY, actor=None)
    refresh_now(at=AT)
    found = value(member)
    assert (found.risk_factors["price"], found.risk_factors["silence"]) == (None, None)
    assert found.risk_score == by_hand(tenure="under_6", contract="short", renewal="manual", failure="none")


def test_concentration_where_the_cost_is_known(shop, plan):
    tiered, own, unknown = newcomer(), newcomer(), newcomer()
    for member in (tiered, own, unknown):
        pay(member, shop, *((month(n), 6000) for n in range(1, 7)))
    ValueSettings.objects.update(counts_terms=False, cost_attribute="cost")
    terms.purchase(member_id=tiered.pk, plan=plan, at=AT - DAY, actor=None)
    TierCost.objects.create(tier=plan.tier, monthly_cents=2000)
    Member.objects.filter(pk=own.pk).update(attributes={"cost": "15.00"})
    Member.objects.filter(pk=unknown.pk).update(attributes={"cost": "much"})
    refresh_now(at=AT)
    assert (value(tiered).concentration, value(own).concentration) == (pytest.approx(3), pytest.approx(4))
    assert value(unknown).concentration is None


def test_a_silent_feed_keeps_the_last_scores(shop, plan):
    RfmThresholds.objects.update(**FIXED)
    Source.objects.filter(pk=shop.pk).update(stale_after_hours=24, is_activity_source=False)
    member = newcomer()
    terms.purchase(member_id=member.pk, plan=plan, at=AT - 10 * DAY, actor=None)
    pay(member, shop, (AT - 20 * DAY, 20_000), (AT - timedelta(hours=1), 50))
    refresh_now(at=AT)
    before = value(member)
    assert (before.rfm_group, before.rfm_as_of) == (1, AT)
    late = newcomer()
    run = refresh_now(at=AT + 60 * DAY)
    assert run.silent == {"money": [shop.pk]}
    found = value(member)
    assert (found.rfm_group, found.recency_days, found.rfm_as_of) == (1, before.recency_days, AT)
    assert (found.maturity_as_of, found.risk_as_of, found.computed_at) == (AT, AT + 60 * DAY, AT + 60 * DAY)
    assert value(late).rfm_as_of == AT + 60 * DAY
    note_arrival(source=shop, at=AT + 60 * DAY, last_at=AT + 60 * DAY)
    refresh_now(at=AT + 60 * DAY)
    assert (value(member).rfm_group, value(member).rfm_as_of) == (3, AT + 60 * DAY)


def test_a_silent_activity_source_keeps_risk_and_maturity(db, plan):
    app = factories.SourceFactory(stale_after_hours=24)
    member = newcomer()
    terms.purchase(member_id=member.pk, plan=plan, at=AT - 10 * DAY, actor=None)
    factories.make_event(member=member, at=AT - timedelta(hours=2), source=app)
    refresh_now(at=AT)
    before = value(member)
    assert before.risk_factors["silence"] == "under_7"
    assert refresh_now(at=AT + 15 * DAY).silent == {"activity": [app.pk]}
    found = value(member)
    assert (found.risk_score, found.risk_as_of, found.maturity_as_of) == (before.risk_score, AT, AT)
    assert found.rfm_as_of == AT + 15 * DAY


def test_the_night_and_those_who_ask_are_served_once(operator):
    three = datetime(2026, 11, 16, 19, 0, tzinfo=UTC)  # 03:00 in Shanghai
    assert refreshing.refresh_due(at=three - timedelta(minutes=1)) is not None  # nothing was ever scored
    assert refreshing.refresh_due(at=three - timedelta(seconds=30)) is None
    assert refreshing.refresh_due(at=three) is not None
    assert refreshing.refresh_due(at=three + timedelta(hours=23)) is None
    asked = refreshing.request_refresh(actor=operator, at=three + timedelta(hours=1))
    assert refreshing.request_refresh(actor=operator, at=three + timedelta(hours=1)) == asked
    assert refreshing.refresh_due(at=three + timedelta(hours=2)) == asked
    assert ValueRun.objects.count() == 3


def test_saving_asks_for_a_refresh_and_is_audited(operator, plan):
    from config.audit.models import AuditEntry

    saving.save_thresholds(plan_id=None, actor=operator, at=AT, values=FIXED)
    saving.save_settings(actor=operator, at=AT, costs={plan.tier_id: 500}, active_days_min=10)
    assert (RfmThresholds.objects.get().monetary_value, ValueSettings.objects.get().active_days_min) == (10_000, 10)
    assert TierCost.objects.get().monthly_cents == 500
    saving.save_settings(actor=operator, at=AT, costs={plan.tier_id: None})
    assert not TierCost.objects.exists()
    assert ValueRun.objects.filter(finished_at=None).count() == 1
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["value.thresholds", "value.requested", "value.settings", "value.settings"]
