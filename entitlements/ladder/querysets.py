"""The figures of the ladder, each one statement over everybody."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

WINDOW = timedelta(days=30)
UPGRADE_WINDOW = timedelta(days=90)

_COUNT_USE = """
WITH used AS (
  SELECT s.tier_id, r.benefit_id, sum(r.amount - r.overage) AS amount
  FROM entitlements_usagerecord r JOIN entitlements_standing s ON s.member_id = r.member_id
  WHERE r.at >= %(since)s AND r.at <= %(at)s AND r.outcome = 'used'
  GROUP BY 1, 2
),
held AS (
  SELECT s.tier_id, b.benefit_id, count(*) AS entitled, count(*) FILTER (WHERE b.last_used_at >= %(since)s) AS reached,
    coalesce(sum(b.granted), 0) AS granted, sum(b.used) AS used
  FROM entitlements_balance b JOIN entitlements_standing s ON s.member_id = b.member_id
  WHERE b.is_open GROUP BY 1, 2
),
counted AS (
  INSERT INTO entitlements_cellfigure AS f (
    tier_id, benefit_id, counted_at, entitled, reached, granted, used, amount
  )
  SELECT h.tier_id, h.benefit_id, %(at)s, h.entitled, h.reached, h.granted, h.used, coalesce(u.amount, 0)
  FROM held h LEFT JOIN used u ON u.benefit_id = h.benefit_id AND u.tier_id IS NOT DISTINCT FROM h.tier_id
  ON CONFLICT (tier_id, benefit_id) DO UPDATE SET counted_at = excluded.counted_at, entitled = excluded.entitled,
    reached = excluded.reached, granted = excluded.granted, used = excluded.used, amount = excluded.amount
  RETURNING 1
)
SELECT count(*) FROM counted"""

# Who is where: the free tier has no number.
_STANDINGS = "SELECT tier_id, plan_id, via, count(*) FROM entitlements_standing GROUP BY 1, 2, 3"

# Whoever began a term of a tier after one of a lower tier, by the tier she came to.
_UPGRADES = """
SELECT t.tier_id, count(DISTINCT t.member_id)
FROM members_membershipterm t
JOIN members_tier now ON now.id = t.tier_id
CROSS JOIN LATERAL (
  SELECT r.rank FROM members_membershipterm e JOIN members_tier r ON r.id = e.tier_id
  WHERE e.member_id = t.member_id AND e.starts_at < t.starts_at AND e.close_reason <> 'void'
  ORDER BY e.starts_at DESC LIMIT 1
) former
WHERE t.starts_at > %(since)s AND t.starts_at <= %(at)s AND t.close_reason <> 'void' AND former.rank < now.rank
GROUP BY 1"""

# Standings that a change of these cells may touch; plans are asked for beside tiers.
_MARK_DUE = """
UPDATE entitlements_standing SET next_due_at = least(next_due_at, %(at)s)
WHERE coalesce(tier_id, 0) = ANY(%(tiers)s) OR plan_id = ANY(%(plans)s)"""


@dataclass(frozen=True)
class Place:
    """So many members stand on a tier (None: free), with a plan, through a term, the grace or nothing."""

    tier_id: int | None
    plan_id: int | None
    via: str
    members: int


def count_use(at: datetime) -> int:
    """Count every cell's use anew; returns how many cells. Cells nobody has any more are dropped."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_USE, {"at": at, "since": at - WINDOW})
        counted = int(cursor.fetchone()[0])
        cursor.execute("DELETE FROM entitlements_cellfigure WHERE counted_at <> %s", [at])
    return counted


def places() -> list[Place]:
    """Where members stand now."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS)
        return [Place(*row) for row in cursor.fetchall()]


def upgrades(at: datetime) -> dict[int, int]:
    """How many came up to each tier in the last 90 days."""
    with connection.cursor() as cursor:
        cursor.execute(_UPGRADES, {"at": at, "since": at - UPGRADE_WINDOW})
        return dict(cursor.fetchall())


def mark_due(at: datetime, tier_ids: set[int | None], plan_ids: set[int]) -> int:
    """Have the settling engine look at everybody on these tiers and plans; returns how many."""
    values: dict[str, Any] = {"at": at, "tiers": [tier or 0 for tier in tier_ids], "plans": list(plan_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_MARK_DUE, values)
        return int(cursor.rowcount)
