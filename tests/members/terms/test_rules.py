import calendar
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.people.rules import last_day
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


@pytest.mark.parametrize(
    ("term_days", "window"), [(7, 1), (30, 7), (28, 7), (27, 6), (3, 0), (365, 7), (14, 3)]
)  # fmt: skip
def test_the_window_is_a_week_or_a_quarter_of_the_term(term_days, window):
    assert rules.expiring_window_days(term_days, 7, 0.25) == window


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["day", "week", "month", "year"]),
    st.integers(1, 12),
    ZONES,
)
def test_a_chain_ends_at_the_midnight_after_the_day_on_which_it_would_at_the_hour(start, unit, count, zone):
    chain = rules.Chain.from_instant(start, zone).extended(unit, count)
    at_the_hour, at_midnight = (chain.ends_at(zone, at_midnight=on) for on in (False, True))
    assert last_day(at_midnight, zone) == last_day(at_the_hour, zone)
    # Apia had no December 30, 2011.
    assert timedelta(0) <= at_midnight - at_the_hour <= timedelta(hours=49)


def test_the_last_day_of_what_ends_at_midnight_is_the_day_before():
    midnight = rules.at_local(date(2026, 12, 9), time(0), "Asia/Shanghai")
    assert last_day(midnight, "Asia/Shanghai") == date(2026, 12, 8)
    assert last_day(midnight + timedelta(microseconds=1), "Asia/Shanghai") == date(2026, 12, 9)
