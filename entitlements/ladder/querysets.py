"""The figures of the ladder, each one statement over everybody."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from entitlements.ladder.rules import TERM_MONTHS, months_in

# Who is where: the free tier has no number.
_STANDINGS = """
SELECT s.tier_id, s.plan_id, s.via, count(*), p.duration_unit, p.duration_count
FROM entitlements_standing s LEFT JOIN members_plan p ON p.id = s.plan_id
GROUP BY 1, 2, 3, p.id"""

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
    term_unit: str | None
    term_count: int | None

    @property
    def term_months(self) -> float:
        """How long a term of the plan lasts."""
        return months_in(self.term_unit, self.term_count or 1) if self.term_unit else TERM_MONTHS


def places() -> list[Place]:
    """Where members stand now."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS)
        return [Place(*row) for row in cursor.fetchall()]


def mark_due(at: datetime, tier_ids: set[int | None], plan_ids: set[int]) -> int:
    """Have the settling engine look at everybody on these tiers and plans; returns how many."""
    values: dict[str, Any] = {"at": at, "tiers": [tier or 0 for tier in tier_ids], "plans": list(plan_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_MARK_DUE, values)
        return int(cursor.rowcount)
