"""The usage period in SQL and in Python: the same for every date, month-end, leap day and shift of the clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from entitlements.grants.rules import usage_period

pytestmark = pytest.mark.django_db

ZONES = ["Asia/Shanghai", "UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"]
UNITS = ["day", "week", "month", "quarter", "year"]
ANCHORS = [datetime(2024, 1, 31, 4, tzinfo=UTC), datetime(2024, 2, 29, 16, 30, tzinfo=UTC),
           datetime(2023, 12, 30, 23, 59, 59, tzinfo=UTC), datetime(2024, 3, 10, 7, 15, tzinfo=UTC)]  # fmt: skip
FIRST, LAST = date(2024, 1, 1), date(2040, 12, 31)

# Not a date alone: an instant in it, a different one each day, so that local midnights are met from both sides.
ASKED = """
SELECT d.at, lower(p.period), upper(p.period)
FROM (
  SELECT (t.on_day + make_interval(secs => (t.on_day - DATE '2024-01-01') * 7919 %% 86400)) AT TIME ZONE 'UTC' AS at
  FROM unnest(%(days)s::date[]) AS t (on_day)
) d
CROSS JOIN LATERAL (
  SELECT entitlements_period(%(unit)s, %(by_calendar)s, %(zone)s, %(anchor)s, d.at) AS period
) p"""


def days(every: int) -> list[date]:
    """Ends of months and the days beside them, leap days, and every so many days."""
    found = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    return [day for n, day in enumerate(found) if n % every == 0 or day.day in (1, 2) or day.day >= 28]


def differing(every: int, zone: str) -> list[tuple]:
    wrong = []
    ways = [(True, ANCHORS[0])] + [(False, anchor) for anchor in ANCHORS]
    with connection.cursor() as cursor:
        for unit in UNITS:
            for by_calendar, anchor in ways:
                asked = {"unit": unit, "by_calendar": by_calendar, "zone": zone, "anchor": anchor, "days": days(every)}
                cursor.execute(ASKED, asked)
                for at, start, end in cursor.fetchall():
                    rule = usage_period(unit, by_calendar=by_calendar, zone=zone, anchor=anchor, at=at)
                    if (start, end) != rule or not start <= at < end:
                        wrong.append((unit, by_calendar, anchor, at, (start, end), rule))
    return wrong


@pytest.mark.parametrize("zone", ZONES)
def test_ends_of_months(zone):
    assert differing(97, zone)[:3] == []


@pytest.mark.soak
@pytest.mark.parametrize("zone", ZONES)
def test_every_date(zone):
    assert differing(1, zone)[:3] == []


@pytest.mark.parametrize("unit", ["never", "term"])
def test_periods_without_an_end(unit):
    anchor, at = ANCHORS[0], datetime(2030, 5, 5, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT entitlements_period(%s, true, 'UTC', %s, %s)", [unit, anchor, at])
        period = cursor.fetchone()[0]
    assert (period.lower, period.upper) == usage_period(unit, by_calendar=True, zone="UTC", anchor=anchor, at=at)
