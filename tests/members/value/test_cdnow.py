"""RFM on the CDNOW purchases: exact, against SQL that knows nothing of the product's statement."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from members.events.models import EventDefinition
from members.value.models import GroupChange, MemberValue, RfmThresholds, ValueSettings
from members.value.operations.refreshing import refresh_now
from tests.members.imports.test_samples import sample, through

pytestmark = pytest.mark.django_db

# The file ends on 1998-06-30; days count back from the first of July.
CUT_AT = datetime(1998, 7, 1, 4, tzinfo=UTC)

# Group, members, cents: 1 is recent, frequent and big, 8 none of them.
BY_MEDIANS = [
    (1, 8849, 199412920), (2, 214, 1635575), (3, 774, 8123101), (4, 1948, 14834901),
    (5, 1548, 4971767), (6, 1007, 1971742), (7, 491, 1529106), (8, 8739, 17552451),
]  # fmt: skip
BY_FIXED_VALUES = [
    (1, 3594, 132620864), (2, 113, 1819351), (3, 1664, 38846490), (4, 863, 13809970),
    (5, 1048, 7327252), (6, 605, 2863494), (7, 1277, 8430796), (8, 14406, 44313346),
]  # fmt: skip

BARE = """
WITH per_member AS (
  SELECT member_id, count(*) AS n, sum(value_cents) AS cents,
    DATE '1998-07-01' - max((occurred_at AT TIME ZONE 'Asia/Shanghai')::date) AS days
  FROM members_event GROUP BY member_id
),
spread AS (
  SELECT *, cume_dist() OVER (ORDER BY days) AS d, cume_dist() OVER (ORDER BY n) AS f,
    cume_dist() OVER (ORDER BY cents) AS m
  FROM per_member
),
medians AS (
  SELECT min(days) FILTER (WHERE d >= 0.5) AS days, min(n) FILTER (WHERE f >= 0.5) AS n,
    min(cents) FILTER (WHERE m >= 0.5) AS cents
  FROM spread
)
SELECT CASE {recent} || '-' || {frequent} || '-' || {big}
    WHEN 'true-true-true' THEN 1 WHEN 'true-false-true' THEN 2 WHEN 'false-true-true' THEN 3
    WHEN 'false-false-true' THEN 4 WHEN 'true-true-false' THEN 5 WHEN 'true-false-false' THEN 6
    WHEN 'false-true-false' THEN 7 WHEN 'false-false-false' THEN 8 END AS g, count(*), sum(p.cents)::bigint
FROM per_member p, medians GROUP BY 1 ORDER BY 1"""

MEDIANS = BARE.format(
    recent="(p.days < medians.days)::text", frequent="(p.n > medians.n)::text", big="(p.cents > medians.cents)::text"
)
FIXED = BARE.format(recent="(p.days <= 180)::text", frequent="(p.n >= 3)::text", big="(p.cents >= 10000)::text")


def bare(sql: str) -> list[tuple[int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def scored() -> list[tuple[int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rfm_group, count(*), sum(monetary_cents)::bigint FROM members_membervalue "
            "WHERE rfm_group IS NOT NULL GROUP BY 1 ORDER BY 1"
        )
        return cursor.fetchall()


def test_groups_and_revenue_are_exact(operator, at):
    through(sample("cdnow_master.txt"), actor=operator, at=at)
    EventDefinition.objects.update(carries_money=True)
    ValueSettings.objects.update(currency="USD")
    RfmThresholds.objects.update(window_days=None)

    refresh_now(at=CUT_AT)
    medians = scored()
    assert medians == bare(MEDIANS)
    assert sum(n for _, n, _ in medians) == 23570
    assert sum(cents for *_, cents in medians) == 250031563
    assert medians == BY_MEDIANS
    assert GroupChange.objects.count() == 23570

    RfmThresholds.objects.update(
        recency_by="fixed", recency_value=180, frequency_by="fixed", frequency_value=3, monetary_by="fixed",
        monetary_value=10_000,
    )  # fmt: skip
    refresh_now(at=CUT_AT)
    fixed = scored()
    assert fixed == bare(FIXED)
    assert fixed == BY_FIXED_VALUES
    moved = GroupChange.objects.filter(from_group__isnull=False)
    assert moved.count() > 0
    assert not moved.exclude(to_group__in=MemberValue.objects.values("rfm_group")).exists()

    ValueSettings.objects.update(currency="CNY")
    assert refresh_now(at=CUT_AT).left_out == 69659
    assert scored() == []
