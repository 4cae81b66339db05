from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.people import rules

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
ZONES = st.sampled_from(["Asia/Shanghai", "America/New_York", "Europe/London", "Pacific/Apia", "Asia/Kathmandu", "UTC"])


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
