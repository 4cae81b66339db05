import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.terms import rules

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
ZONES = st.sampled_from(["Asia/Shanghai", "America/New_York", "Europe/London", "Pacific/Apia", "Asia/Kathmandu", "UTC"])


@given(DAYS, st.integers(0, 240))
def test_months_land_in_the_right_month_on_the_anchor_day_or_its_last(anchor, months):
    moved = rules.add_months(anchor, months)
    assert (moved.year * 12 + moved.month) - (anchor.year * 12 + anchor.month) == months
    assert moved.day == min(anchor.day, calendar.monthrange(moved.year, moved.month)[1])


def test_a_chain_from_january_31_does_not_drift():
    chain = [rules.add_months(date(2027, 1, 31), n) for n in range(1, 6)]
    assert chain == [date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30), date(2027, 5, 31), date(2027, 6, 30)]


def test_a_year_from_february_29():
    assert rules.add_duration(date(2028, 2, 29), "year", 1) == date(2029, 2, 28)
    assert rules.add_duration(date(2028, 2, 29), "year", 4) == date(2032, 2, 29)


@given(DAYS, st.times(), ZONES)
def test_a_local_clock_time_comes_back_unless_the_clocks_skip_it(day, clock, zone):
    clock = clock.replace(microsecond=0)
    local = rules.at_local(day, clock, zone).astimezone(ZoneInfo(zone))
    skipped = local.time() != clock
    assert skipped is False or local - datetime.combine(day, clock, ZoneInfo(zone)) <= timedelta(hours=24)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)), DAYS, ZONES)
def test_shifting_keeps_the_wall_clock(instant, day, zone):
    shifted = rules.shift_local(instant, day, zone)
    # Apia had no December 30, 2011; a time in a spring gap moves by the gap.
    assert abs((rules.local_date(shifted, zone) - day).days) <= 1


@pytest.mark.parametrize(
    ("term_days", "window"), [(7, 1), (30, 7), (28, 7), (27, 6), (3, 0), (365, 7), (14, 3)]
)  # fmt: skip
def test_the_window_is_a_week_or_a_quarter_of_the_term(term_days, window):
    assert rules.expiring_window_days(term_days, 7, 0.25) == window


@given(st.floats(0, 400), st.integers(0, 10**7), st.floats(1, 400), st.integers(0, 10**7), st.integers(1, 400))
def test_unused_value_never_buys_more_than_it_is_worth(remaining, price_from, days_from, price_to, days_to):
    days = rules.pro_rata_days(remaining, price_from, days_from, price_to, days_to)
    assert days >= 0
    assert days * price_to / days_to <= remaining / days_from * price_from + 1e-6


@pytest.mark.parametrize(
    ("kind", "raw", "stored"),
    [
        ("email", " A.B@Example.COM ", "a.b@example.com"),
        ("phone", "+86 138-0000 0000", "13800000000"),
        ("phone", "８６１３８００００００００", "13800000000"),
        ("phone", "+1 (415) 555-0100", "+14155550100"),
        ("external_id", " Ab-１ ", "Ab-1"),
    ],
)
def test_identities_are_compared_in_one_form(kind, raw, stored):
    assert rules.normalise_identity(kind, raw) == stored
    assert rules.normalise_identity(kind, stored) == stored


def test_the_first_instant_of_a_day_is_local_midnight():
    assert rules.at_local(date(2026, 12, 1), time(0), "Asia/Shanghai") == datetime(2026, 11, 30, 16, tzinfo=UTC)
