"""Orders in the queue: the higher tier runs now, the rest waits in its own; what was paid or given is never lost."""

from datetime import timedelta

import pytest
from django.db.models import F

from config.engine.refusal import Refused
from members.lifecycle.models import LifecyclePolicy
from members.people.rules import last_day, local_date
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.members.world import ZONE, World, moment, state, tags

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    world = World()
    make = Plan.objects.create
    silver = Tier.objects.create(code="silver", name="Silver", position=0)
    world.platinum = world.black
    world.silver = silver
    world.diamond = Tier.objects.create(code="diamond", name="Diamond", position=3)
    world.gold_month = world.month
    world.gold_year = make(code="g-year", name="GY", tier=world.gold, duration_unit="year", price_cents=30_000)
    world.platinum_month = make(code="p-month", name="PM", tier=world.platinum, price_cents=9_000)
    world.platinum_year = make(code="p-year", name="PY", tier=world.platinum, duration_unit="year", price_cents=90_000)
    world.silver_month = make(code="s-month", name="SM", tier=silver, price_cents=1_000)
    world.silver_year = make(code="s-year", name="SY", tier=silver, duration_unit="year", price_cents=120_000)
    world.diamond_month = make(code="d-month", name="DM", tier=world.diamond, price_cents=20_000)
    world.who = world.member()
    return world


def buy(world, plan, day, **more):
    return terms.purchase(member_id=world.who.pk, plan=plan, at=moment(day), actor=None, **more)


def refund(world, term, day, cents=None, reason="R"):
    return terms.refund_term(term_id=term.pk, at=moment(day), actor=None, reason=reason, amount_cents=cents)


def void(world, term, day):
    return terms.void_term(term_id=term.pk, at=moment(day), actor=None, reason="booked by mistake")


def line(world, since=0.0):
    """What covers the member from a day on: tier codes with the days after the first on which each starts and ends."""
    rows = MembershipTerm.objects.filter(member=world.who, period__isempty=False).order_by("starts_at")
    spans = []
    for row in rows.filter(ends_at__gt=moment(since), starts_at__lt=F("ends_at")):
        start, end = max(row.starts_at, moment(since)), row.effective_ends_at
        if end <= start:
            continue
        if spans and spans[-1][0] == row.tier.code and spans[-1][2] == start:
            spans[-1] = (row.tier.code, spans[-1][1], end)
        else:
            spans.append((row.tier.code, start, end))
    return spans


def days_left(end, day):
    return (last_day(end, ZONE) - local_date(moment(day), ZONE)).days


def test_a_higher_tier_runs_now_and_the_year_waits_with_all_it_had_left(world):
    year = buy(world, world.gold_year, 0)
    left = year.ends_at - moment(1)
    assert days_left(year.ends_at, 1) == 364
    platinum = buy(world, world.platinum_month, 1)
    assert line(world, 1) == [
        ("black", moment(1), platinum.ends_at), ("gold", platinum.ends_at, platinum.ends_at + left)
    ]  # fmt: skip
    year.refresh_from_db()
    assert (year.closed_at, year.close_reason) == (moment(1), "set_aside")
    rest = year.later_rows.get()
    assert (rest.price_cents, rest.booked_at, rest.external_ref) == (year.price_cents, moment(1), year.external_ref)


def test_the_higher_tier_refunded_the_year_goes_on_at_once(world):
    year = buy(world, world.gold_year, 0)
    left = year.ends_at - moment(1)
    platinum = buy(world, world.platinum_month, 1)
    refund(world, platinum, 20)
    assert line(world, 20) == [("gold", moment(20), moment(20) + left)]
    assert (state(world.who).membership_status, state(world.who).tier_id) == ("active", world.gold.pk)


def test_year_higher_month_and_another_month_within_three_days_lose_no_day(world):
    year = buy(world, world.gold_year, 0)
    left = year.ends_at - moment(1)
    platinum = buy(world, world.platinum_month, 1)
    month = buy(world, world.gold_month, 2)
    end = platinum.ends_at + left
    assert month.starts_at == end
    assert line(world, 2) == [("black", moment(2), platinum.ends_at), ("gold", platinum.ends_at, month.ends_at)]
    assert month.ends_at - end >= timedelta(days=28)


def test_a_year_by_gift_waits_for_a_bought_higher_month(world):
    gift = terms.give_term(member_id=world.who.pk, plan=world.gold_year, at=moment(0), actor=None)
    left = gift.ends_at - moment(5)
    platinum = buy(world, world.platinum_month, 5)
    assert line(world, 5) == [
        ("black", moment(5), platinum.ends_at), ("gold", platinum.ends_at, platinum.ends_at + left)
    ]  # fmt: skip


def test_compensation_stays_behind_a_higher_month_and_the_rest(world):
    month = buy(world, world.gold_month, 0)
    extra = terms.compensate(member_id=world.who.pk, days=60, at=moment(1), actor=None, reason="R")
    platinum = buy(world, world.platinum_month, 2)
    rest = platinum.ends_at + (month.ends_at - moment(2))
    rows = MembershipTerm.objects.filter(member=world.who, closed_at=None).order_by("starts_at")
    assert [(r.kind, r.starts_at, r.ends_at) for r in rows] == [
        ("paid", moment(2), platinum.ends_at),
        ("paid", platinum.ends_at, rest),
        ("compensation", rest, rest + (extra.ends_at - extra.starts_at)),
    ]


def test_a_tier_changed_by_staff_waits_for_a_higher_purchase_in_its_new_tier(world):
    year = buy(world, world.gold_year, 0)
    terms.change_tier(term_id=year.pk, tier=world.platinum, at=moment(1), actor=None, reason="R")
    diamond = buy(world, world.diamond_month, 2)
    left = year.ends_at - moment(2)
    assert line(world, 1) == [
        ("black", moment(1), moment(2)),
        ("diamond", moment(2), diamond.ends_at),
        ("black", diamond.ends_at, diamond.ends_at + left),
    ]


def test_a_lower_tier_waits(world):
    year = buy(world, world.gold_year, 0)
    silver = buy(world, world.silver_month, 3)
    assert silver.starts_at == year.ends_at
    assert [tier for tier, _start, _end in line(world)] == ["gold", "silver"]


@pytest.mark.parametrize("price_cents", [0, 1, 60_000])
def test_what_was_paid_decides_no_date(world, price_cents):
    year = buy(world, world.silver_year, 0)
    gold = buy(world, world.gold_month, 1, price_cents=price_cents)
    assert gold.ends_at - gold.starts_at < timedelta(days=33)
    assert line(world, 1)[1] == ("silver", gold.ends_at, gold.ends_at + (year.ends_at - moment(1)))


def test_a_dated_term_does_not_start_before_its_day_when_what_runs_is_refunded(world):
    gold = buy(world, world.gold_month, 0)
    buy(world, world.platinum_year, 0, starts_at=moment(60, 0))
    refund(world, gold, 3)
    assert line(world, 3) == [("black", moment(60, 0), line(world, 3)[-1][2])]
    world.sweep(40)
    assert state(world.who).membership_status == "expired"
    world.sweep(61)
    assert state(world.who).tier_id == world.platinum.pk


def test_a_dated_higher_term_sets_aside_what_runs_on_its_day(world):
    gold = buy(world, world.gold_year, 0)
    platinum = buy(world, world.platinum_month, 1, starts_at=moment(60, 0))
    left = gold.ends_at - moment(60, 0)
    assert line(world, 1) == [
        ("gold", moment(1), moment(60, 0)),
        ("black", moment(60, 0), platinum.ends_at),
        ("gold", platinum.ends_at, platinum.ends_at + left),
    ]
    world.sweep(62)
    assert state(world.who).tier_id == world.platinum.pk


def test_when_what_held_a_dated_term_up_goes_it_starts_earlier_again_but_not_before_its_day(world):
    first = buy(world, world.gold_year, 0)
    dated = buy(world, world.gold_month, 0, starts_at=moment(30, 0))
    assert dated.starts_at == first.ends_at
    refund(world, first, 10)
    assert line(world, 10)[0][:2] == ("gold", moment(30, 0))


def test_the_middle_of_three_refunded_leaves_no_hole(world):
    first, middle, third = (buy(world, world.gold_month, 0) for _ in range(3))
    length = third.ends_at - third.starts_at
    refund(world, middle, 1)
    assert line(world) == [("gold", moment(0), first.ends_at + length)]


def test_the_running_one_of_two_refunded_the_other_starts_now_in_full(world):
    first, second = (buy(world, world.gold_month, 0) for _ in range(2))
    refund(world, first, 3)
    assert line(world, 3) == [("gold", moment(3), moment(3) + (second.ends_at - second.starts_at))]
    third = buy(world, world.gold_month, 4)
    assert third.starts_at == line(world, 3)[0][2] - (third.ends_at - third.starts_at)


def test_the_first_of_two_voided_the_other_starts_now_and_nobody_is_a_prospect(world):
    first, second = (buy(world, world.gold_month, 0) for _ in range(2))
    void(world, first, 3)
    assert line(world, 3) == [("gold", moment(3), moment(3) + (second.ends_at - second.starts_at))]
    assert state(world.who).lifecycle_state == "first_paid"


def test_a_mistake_voided_under_a_still_higher_tier_gives_back_all_it_set_aside(world):
    gold = buy(world, world.gold_year, 0)
    left = gold.ends_at - moment(1)
    mistake = buy(world, world.platinum_month, 1)
    diamond = buy(world, world.diamond_month, 2)
    void(world, mistake, 3)
    assert line(world, 3) == [
        ("diamond", moment(3), diamond.ends_at),
        ("gold", diamond.ends_at, diamond.ends_at + left),
    ]


def test_half_and_half_back_ends_with_the_second_half(world):
    year = buy(world, world.gold_year, 0)
    refund(world, year, 1, 15_000)
    assert line(world, 1) == [("gold", moment(1), year.ends_at)]
    refund(world, year, 2, 15_000)
    assert line(world, 2) == []
    year.refresh_from_db()
    assert (year.refunded_cents, year.refunded_at, year.close_reason) == (30_000, moment(2), "refund")
    with pytest.raises(Refused, match="more_than_paid"):
        refund(world, year, 3, 1)


def test_what_went_back_stays_with_the_number_of_a_voided_order(world):
    first = buy(world, world.gold_year, 0, external_ref="o-1")
    refund(world, first, 1, 10_000)
    void(world, first, 1)
    with pytest.raises(Refused, match="refunded_before"):
        buy(world, world.gold_month, 2, external_ref="o-1", price_cents=10_000)
    again = buy(world, world.gold_year, 2, external_ref="o-1")
    assert again.refunded_cents == 10_000
    with pytest.raises(Refused, match="more_than_paid"):
        refund(world, again, 3, 20_001)
    refund(world, again, 3, 20_000)
    assert line(world, 3) == []


def test_a_wrong_plan_voided_is_booked_again_under_the_same_number(world):
    wrong = buy(world, world.gold_year, 0, external_ref="o-1")
    void(world, wrong, 1)
    right = buy(world, world.gold_month, 1, external_ref="o-1")
    assert (right.pk != wrong.pk, right.plan_id) == (True, world.gold_month.pk)
    assert line(world, 1) == [("gold", moment(1), right.ends_at)]


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"price_cents": 2_999}, "order_of_other_price"),
        ({"currency": "USD"}, "order_of_other_currency"),
        ({"plan": "gold_year"}, "order_of_other_plan"),
    ],
)
def test_the_same_number_with_something_else_is_refused_by_name(world, other, code):
    first = buy(world, world.gold_month, 0, external_ref="o-1", price_cents=3_000, currency="CNY")
    plan = getattr(world, other.pop("plan", "gold_month"))
    with pytest.raises(Refused, match=code):
        buy(world, plan, 1, **{"external_ref": "o-1", "price_cents": 3_000, "currency": "CNY"} | other)
    assert buy(world, world.gold_month, 1, external_ref="o-1", price_cents=3_000, currency="CNY") == first
    assert MembershipTerm.objects.filter(member=world.who).count() == 1


def test_a_fully_refunded_order_cannot_be_voided(world):
    term = buy(world, world.gold_month, 0)
    refund(world, term, 1)
    with pytest.raises(Refused, match="refunded_in_full"):
        void(world, term, 2)


def test_an_order_that_cost_nothing_can_only_be_voided(world):
    term = buy(world, world.gold_month, 0, price_cents=0)
    with pytest.raises(Refused, match="nothing_paid"):
        refund(world, term, 1, 1)
    void(world, term, 1)
    assert line(world, 1) == []


def test_an_order_is_refundable_while_it_runs_waits_is_set_aside_and_when_it_has_ended(world):
    ended = buy(world, world.gold_month, 0)
    aside = buy(world, world.gold_year, 60)
    runs = buy(world, world.platinum_month, 61)
    waits = buy(world, world.silver_month, 62)
    for term in (ended, aside, runs, waits):
        refund(world, term, 63)
        term.refresh_from_db()
        assert term.refunded_at == moment(63)
    assert line(world, 63) == []


def test_a_full_refund_later_than_the_policy_says_asks_for_a_reason(world):
    term = buy(world, world.gold_year, 0)
    with pytest.raises(Refused, match="reason_missing"):
        refund(world, term, 15, reason=" ")
    LifecyclePolicy.objects.update(refund_days=20)
    refund(world, term, 15, reason="")
    assert terms.late_refunds(world.who.pk) == 0
    late = buy(world, world.gold_month, 30)
    refund(world, late, 51, reason="goodwill")
    assert terms.late_refunds(world.who.pk) == 1


def test_renewal_goes_on_by_itself_while_an_unrefunded_payment_runs_or_waits(world):
    first = buy(world, world.gold_month, 0, auto_renewal=True)
    second = buy(world, world.gold_month, 0)
    refund(world, first, 1)
    assert state(world.who).auto_renewal_flag is True
    void(world, second, 2)
    assert state(world.who).auto_renewal_flag is False


def test_a_trial_closed_by_mistake_runs_again(world):
    trial = terms.start_trial(member_id=world.who.pk, plan=world.gold_month, at=moment(0), actor=None)
    left = trial.ends_at - moment(2)
    mistake = buy(world, world.platinum_month, 2)
    assert mistake.trial_seconds == left.total_seconds()
    void(world, mistake, 4)
    assert line(world, 4) == [("gold", moment(4), moment(4) + left)]
    assert (state(world.who).lifecycle_state, state(world.who).target_rule) == ("trial", "trial_resumed")
    world.sweep(4, 14)
    assert state(world.who).membership_status == "trialing"


def test_the_time_of_a_trial_goes_to_what_waits_behind_the_voided_purchase(world):
    trial = terms.start_trial(member_id=world.who.pk, plan=world.gold_month, at=moment(0), actor=None)
    left = trial.ends_at - moment(2)
    mistake = buy(world, world.gold_month, 2)
    other = buy(world, world.gold_month, 3)
    length = other.ends_at - other.starts_at
    void(world, mistake, 4)
    assert line(world, 4) == [("gold", moment(4), moment(4) + length + left)]


def test_a_refund_does_not_give_the_trial_back(world):
    terms.start_trial(member_id=world.who.pk, plan=world.gold_month, at=moment(0), actor=None)
    term = buy(world, world.gold_month, 2)
    refund(world, term, 3)
    assert line(world, 3) == []


def test_a_dated_purchase_closes_the_trial_on_its_day_and_not_when_it_goes_before(world):
    trial = terms.start_trial(member_id=world.who.pk, plan=world.gold_month, at=moment(0), actor=None)
    dated = buy(world, world.silver_month, 1, starts_at=moment(3, 0))
    left = trial.ends_at - moment(3, 0)
    assert line(world, 1) == [("gold", moment(1), moment(3, 0)), ("silver", moment(3, 0), dated.ends_at)]
    assert dated.trial_seconds == left.total_seconds()
    void(world, dated, 2)
    assert line(world, 2) == [("gold", moment(2), trial.ends_at)]


def test_one_trial_a_member_and_another_by_staff_with_a_reason(world, django_user_model):
    staff = django_user_model.objects.create_user("olga", role="operator")
    terms.start_trial(member_id=world.who.pk, plan=world.gold_month, at=moment(0), actor=None)
    with pytest.raises(Refused, match="trial_used"):
        terms.start_trial(member_id=world.who.pk, plan=world.gold_month, at=moment(20), actor=staff)
    with pytest.raises(Refused, match="trial_used"):
        terms.start_trial(member_id=world.who.pk, plan=world.gold_month, at=moment(20), actor=None, reason="R")
    terms.start_trial(member_id=world.who.pk, plan=world.gold_month, at=moment(20), actor=staff, reason="goodwill")
    assert state(world.who).lifecycle_state == "trial"


def test_no_trial_starts_within_settlement(world):
    term = buy(world, world.gold_month, 0, auto_renewal=True)
    with pytest.raises(Refused, match="settling"):
        terms.start_trial(
            member_id=world.who.pk, plan=world.gold_month, at=term.ends_at + timedelta(hours=2), actor=None
        )


def test_a_gift_starts_now_only_when_an_operator_says_so_and_not_below_what_runs(world):
    gold = buy(world, world.gold_month, 0)
    waits = terms.give_term(member_id=world.who.pk, plan=world.platinum_month, at=moment(1), actor=None)
    assert waits.starts_at == gold.ends_at
    now = terms.give_term(member_id=world.who.pk, plan=world.platinum_month, at=moment(2), actor=None, starts_now=True)
    assert now.starts_at == moment(2)
    with pytest.raises(Refused, match="lower_than_running"):
        terms.give_term(member_id=world.who.pk, plan=world.gold_month, at=moment(3), actor=None, starts_now=True)


def test_a_renewal_renews_what_its_order_names_else_what_runs_else_the_last_paid(world):
    buy(world, world.gold_year, 0)
    buy(world, world.platinum_month, 1)
    assert terms.renewed_plan(world.who.pk, moment(2)) == world.platinum_month
    named = terms.renew_membership(member_id=world.who.pk, at=moment(2), actor=None, plan=world.gold_month)
    assert named.plan == world.gold_month


def test_a_renewal_renews_the_paid_term_that_ended_within_settlement(world):
    buy(world, world.gold_year, 0)
    platinum = buy(world, world.platinum_month, 1, auto_renewal=True)
    hours_later = platinum.ends_at + timedelta(hours=2)
    renewed = terms.renew_membership(member_id=world.who.pk, at=hours_later, actor=None, is_automatic=True)
    assert (renewed.plan, renewed.is_automatic) == (world.platinum_month, True)
    assert terms.renewed_plan(world.who.pk, renewed.ends_at + timedelta(days=2)) == world.gold_year


def test_a_date_beyond_the_calendar_is_refused_and_nothing_is_booked(world):
    ages = Plan.objects.create(
        code="ages", name="A", tier=world.gold, duration_unit="year", duration_count=9_000, price_cents=1
    )
    with pytest.raises(Refused, match="beyond_calendar"):
        buy(world, ages, 0)
    assert not MembershipTerm.objects.filter(member=world.who).exists()


def test_a_purchase_within_grace_joins_on_where_at_most_a_quarter_of_it_would_be_over(world):
    first = buy(world, world.gold_month, 0)
    late = first.ends_at + timedelta(days=2)
    assert buy_at(world, world.week, late).starts_at == late
    other = world.who = world.member()
    first = buy(world, world.gold_month, 0)
    assert buy_at(world, world.gold_month, first.ends_at + timedelta(days=2)).starts_at == first.ends_at
    assert other == world.who


def test_another_tier_within_grace_starts_now(world):
    first = buy(world, world.gold_month, 0)
    at = first.ends_at + timedelta(hours=5)
    assert buy_at(world, world.platinum_month, at).starts_at == at


def test_another_tier_within_grace_counts_as_within_it(world):
    first = buy(world, world.gold_month, 0)
    world.sweep(33)
    assert state(world.who).membership_status == "grace"
    buy_at(world, world.platinum_month, first.ends_at + timedelta(days=2))
    assert state(world.who).lifecycle_state == "first_paid"
    assert "returned" not in tags(world.who)


def test_one_refund_names_several_orders_and_amounts_or_none_of_them(world):
    first, second = (buy(world, world.gold_month, 0) for _ in range(2))

    def give_back(amounts, day):
        terms.refund_orders(member_id=world.who.pk, amounts=amounts, at=moment(day), actor=None, reason="R")

    with pytest.raises(Refused, match="more_than_paid"):
        give_back({first.pk: 3_000, second.pk: 3_001}, 1)
    assert MembershipTerm.objects.filter(refunded_cents__gt=0).count() == 0
    give_back({first.pk: 3_000, second.pk: 1_000}, 2)
    assert line(world, 2) == [("gold", moment(2), moment(2) + (second.ends_at - second.starts_at))]
    second.refresh_from_db()
    assert (second.refunded_cents, second.refunded_at) == (1_000, None)


def test_two_payments_are_both_kept_in_whatever_currency(world):
    gold = buy(world, world.gold_month, 0, currency="CNY")
    platinum = buy(world, world.platinum_month, 1, currency="USD", price_cents=1)
    left = gold.ends_at - moment(1)
    assert line(world, 1) == [
        ("black", moment(1), platinum.ends_at),
        ("gold", platinum.ends_at, platinum.ends_at + left),
    ]
    assert (platinum.price_cents, platinum.currency, gold.currency) == (1, "USD", "CNY")


def test_the_first_booking_of_an_order_says_its_turn_and_not_when_it_was_moved(world):
    year = buy(world, world.gold_year, 0)
    platinum = buy(world, world.platinum_month, 1)
    month = buy(world, world.gold_month, 2)
    refund(world, platinum, 3)
    rows = MembershipTerm.objects.filter(member=world.who, closed_at=None).order_by("starts_at")
    assert [row.order_id for row in rows] == [year.pk, month.pk]


def test_time_already_covered_is_not_covered_again(world):
    first = buy(world, world.gold_month, 0)
    renewal = buy_at(world, world.gold_month, first.ends_at + timedelta(hours=20))
    assert renewal.starts_at == first.ends_at
    refunded_at = first.ends_at + timedelta(hours=30)
    terms.refund_term(term_id=renewal.pk, at=refunded_at, actor=None, reason="")
    assert buy_at(world, world.gold_month, first.ends_at + timedelta(hours=40)).starts_at == refunded_at


def buy_at(world, plan, at):
    return terms.purchase(member_id=world.who.pk, plan=plan, at=at, actor=None)


def test_a_booked_term_ends_at_the_midnight_after_its_last_day(world, settings):
    term = buy(world, world.gold_month, 0)
    assert term.ends_at == moment(32, 0)
    assert last_day(term.ends_at, ZONE) == local_date(moment(31), ZONE)
    assert buy(world, world.gold_month, 1).ends_at == moment(62, 0)
    settings.TERMS_END_AT_MIDNIGHT = False
    world.who = world.member()
    assert buy(world, world.gold_month, 0).ends_at == moment(31)


def test_a_chain_kept_at_the_hour_comes_back_to_it_after_the_clock_skipped_it(world, settings):
    settings.TERMS_END_AT_MIDNIGHT = False
    from members.people.operations import people

    at = moment(0).replace(year=2026, month=1, day=8, hour=7, minute=30)  # 02:30 in New York
    world.who = people.create_member(actor=None, at=at, time_zone="America/New_York", identities={"external_id": "ny"})
    ends = [buy_at(world, world.gold_month, at).ends_at.isoformat()[:16] for _ in range(3)]
    # 02:30 on 8 March does not exist there; after that the clock is an hour ahead.
    assert ends == ["2026-02-08T07:30", "2026-03-08T07:30", "2026-04-08T06:30"]


def test_what_follows_a_moved_term_is_not_shorter_than_if_it_began_on_its_own(world):
    first, moved = (buy(world, world.gold_month, 0) for _ in range(2))
    length = moved.ends_at - moved.starts_at
    refund(world, first, 30)
    # Thirty days of April, moved to March: the month behind begins with May.
    assert line(world, 30) == [("gold", moment(30), moment(30) + length)]
    behind = buy(world, world.gold_month, 31)
    assert behind.starts_at == moment(30) + length
    assert behind.ends_at - behind.starts_at >= timedelta(days=30)
    extra = terms.compensate(member_id=world.who.pk, days=1, at=moment(31), actor=None, reason="R")
    assert extra.ends_at - extra.starts_at >= timedelta(days=1)
