"""Quotes: never negative, never above the price, the same every time, and a reason whenever nothing is taken off."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entitlements.offers import rules
from entitlements.offers.rules import Buyer, Quote, Sold, Step, Terms, faults, most_off, quote, step_at

CENTS = st.integers(0, 10**7)
SOME_CENTS = st.none() | CENTS
SHARE = st.none() | st.integers(0, 100)
STEPS = st.lists(st.builds(Step, st.integers(0, 400), SOME_CENTS, SHARE, SOME_CENTS), max_size=4)
TERMS = st.builds(
    Terms,
    kind=st.sampled_from(sorted(rules.FIELDS)), amount_cents=SOME_CENTS, percent=SHARE, cap_cents=SOME_CENTS,
    price_cents=SOME_CENTS, threshold_cents=SOME_CENTS, days=st.none() | st.integers(1, 366),
    bonus_days=st.none() | st.integers(0, 30), days_away=st.none() | st.integers(0, 400),
    cents_per_point=st.none() | st.integers(1, 100), steps=STEPS.map(tuple), plans=st.sampled_from([(), (1,), (2,)]),
    tiers=st.sampled_from([(), (1,), (2,)]), locked=st.dictionaries(st.sampled_from(["1", "2"]), CENTS),
)  # fmt: skip
SOLD = st.builds(Sold, plan=st.just(1), tier=st.just(1), price_cents=CENTS, trial_days=st.integers(0, 7))
BUYER = st.builds(
    Buyer, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.none() | st.integers(0, 500),
    st.none() | st.integers(0, 10**6),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(TERMS, SOLD, BUYER)
def test_a_quote_is_a_price_between_nothing_and_the_plans_own(terms, sold, buyer):
    found = quote(terms, sold, buyer)
    assert 0 <= found.total_cents <= sold.price_cents
    assert found == quote(terms, sold, buyer)
    if found.refusal:
        assert (found.discount_cents, found.days, found.points) == (0, 0, 0)
    else:
        assert found.discount_cents or found.days
    assert found.points <= (buyer.points or 0)


@settings(max_examples=400, deadline=None)
@given(TERMS, SOLD, BUYER)
def test_no_coupon_costs_more_than_the_most_it_was_said_to(terms, sold, buyer):
    assert quote(terms, sold, buyer).discount_cents <= most_off(terms, [sold])


@settings(deadline=None)
@given(TERMS)
def test_terms_are_read_as_they_were_written(terms):
    assert Terms.read(terms.written()) == Terms.read(Terms.read(terms.written()).written())
    assert quote(Terms.read(terms.written()), Sold(1, 1, 1000), Buyer(days_away=9)) == quote(
        terms, Sold(1, 1, 1000), Buyer(days_away=9)
    )


MONTH = Sold(plan=1, tier=1, price_cents=2500, trial_days=7)
NEW, PAID = Buyer(), Buyer(has_paid=True, is_covered=True)


@pytest.mark.parametrize(
    ("terms", "buyer", "off", "refusal"),
    [
        (Terms("first_purchase_price", price_cents=990), NEW, 1510, ""),
        (Terms("first_purchase_price", price_cents=9900), NEW, 0, "no_discount"),
        (Terms("first_purchase_price", price_cents=990), PAID, 0, "has_bought_before"),
        (Terms("join_discount", percent=33), NEW, 825, ""),
        (Terms("join_discount", percent=33, cap_cents=800), NEW, 800, ""),
        (Terms("join_discount", amount_cents=9999), NEW, 2500, ""),
        (Terms("join_discount", percent=33), Buyer(has_paid=True), 0, "is_member_already"),
        (Terms("threshold_discount", amount_cents=500, threshold_cents=2500), PAID, 500, ""),
        (Terms("threshold_discount", amount_cents=500, threshold_cents=2501), PAID, 0, "below_threshold"),
        (Terms("price_lock", locked={"1": 2000}), PAID, 500, ""),
        (Terms("price_lock", locked={"1": 2600}), PAID, 0, "no_discount"),
        (Terms("price_lock", locked={"2": 2000}), PAID, 0, "plan_not_locked"),
        (Terms("grace_coupon", percent=10), Buyer(has_paid=True, is_in_grace=True), 250, ""),
        (Terms("grace_coupon", percent=10), PAID, 0, "not_in_grace"),
        (Terms("renewal_discount", percent=10), PAID, 250, ""),
        (Terms("renewal_discount", percent=10), NEW, 0, "nothing_to_renew"),
        (Terms("return_pack", percent=10, days_away=30), Buyer(has_paid=True, days_away=30), 250, ""),
        (Terms("return_pack", percent=10, days_away=30), Buyer(has_paid=True, days_away=29), 0, "not_away_long_enough"),
        (Terms("return_pack", percent=10), PAID, 0, "not_away"),
        (Terms("points_offset", cents_per_point=7, percent=50), Buyer(points=10**6), 1246, ""),
        (Terms("points_offset", cents_per_point=7, percent=50), Buyer(points=10), 70, ""),
        (Terms("points_offset", cents_per_point=7, percent=50), NEW, 0, "no_points"),
        (Terms("join_discount", percent=33, plans=(2,)), NEW, 0, "plan_not_valid"),
        (Terms("join_discount", percent=33, tiers=(2,)), NEW, 0, "tier_not_valid"),
    ],
)
def test_each_kind_takes_off_what_it_says(terms, buyer, off, refusal):
    found = quote(terms, MONTH, buyer)
    assert (found.discount_cents, found.refusal) == (off, refusal)


@pytest.mark.parametrize("kind", sorted(rules.FIELDS))
def test_what_a_coupon_says_of_money_is_said_of_plans_in_the_projects_currency(kind):
    abroad = Sold(plan=1, tier=1, price_cents=2500, trial_days=7, is_in_our_currency=False)
    found = quote(Terms(kind, percent=10, days=5, locked={"1": 10}), abroad, Buyer(is_on_trial=True))
    assert found.refusal == ("" if kind == "trial_extension" else "other_currency")


def test_a_trial_extension_costs_nothing_and_adds_days():
    terms = Terms("trial_extension", days=5)
    assert quote(terms, MONTH, Buyer(is_on_trial=True)) == Quote(0, days=5)
    assert quote(terms, MONTH, PAID).refusal == "no_trial"


def test_the_longer_away_the_more():
    steps = (Step(7, percent=10), Step(30, percent=30), Step(90, amount_cents=2000))
    assert [step_at(steps, away) for away in (None, 6, 7, 29, 30, 400)] == [
        None, None, steps[0], steps[0], steps[1], steps[2],
    ]  # fmt: skip
    ladder = Terms("return_ladder", steps=steps)
    offs = [quote(ladder, MONTH, Buyer(has_paid=True, days_away=away)).discount_cents for away in (7, 30, 90)]
    assert offs == [250, 750, 2000]
    assert quote(ladder, MONTH, Buyer(has_paid=True, days_away=6)).refusal == "not_away_long_enough"


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        (Terms("first_purchase_price"), ("price_cents", "needed")),
        (Terms("join_discount"), ("amount_cents", "amount_or_percent")),
        (Terms("join_discount", amount_cents=1, percent=1), ("percent", "one_of_two")),
        (Terms("threshold_discount", amount_cents=1), ("threshold_cents", "needed")),
        (Terms("trial_extension"), ("days", "needed")),
        (Terms("trial_extension", days=367), ("days", "bounds")),
        (Terms("return_pack"), ("amount_cents", "amount_or_percent")),
        (Terms("return_ladder"), ("steps", "needed")),
        (Terms("return_ladder", steps=(Step(7, 1), Step(7, 2))), ("steps", "steps_in_order")),
        (Terms("return_ladder", steps=(Step(7, 1, 1),)), ("steps", "step_of_one_value")),
        (Terms("points_offset", percent=10), ("cents_per_point", "needed")),
    ],
)
def test_terms_that_do_not_fit_are_named(terms, fault):
    assert fault in faults(terms)


def test_terms_that_fit_have_no_fault():
    assert not faults(Terms("first_purchase_price", price_cents=0))
    assert not faults(Terms("return_pack", bonus_days=3))
    assert not faults(Terms("return_ladder", steps=(Step(7, percent=10), Step(30, amount_cents=5))))
