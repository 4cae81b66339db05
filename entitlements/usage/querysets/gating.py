"""What the gate reads: where a member stands with some benefits, and what the ladder in force gives of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from config.engine.prepared import execute_alone
from entitlements.grants.querysets.facts import IS_CURRENT
from entitlements.usage.rules import Held, Rung

# A row for the standing even of a member who has none of these benefits.
_STATE = (
    """
SELECT """
    + IS_CURRENT
    + """ AND (b.valid_until IS NULL OR b.valid_until > %(at)s::timestamptz), t.position,
  b.benefit_id, b.is_open, b.granted, b.used, b.overage, b.level, b.early_hours, b.allowance, b.period_end
FROM entitlements_standing s
LEFT JOIN members_tier t ON t.id = s.tier_id
LEFT JOIN entitlements_balance b ON b.member_id = s.member_id AND b.benefit_id = ANY(%(benefits)s::bigint[])
WHERE s.member_id = %(member)s::bigint"""
)

_RUNGS = """
SELECT c.benefit_id, t.position, coalesce(t.code, ''), coalesce(t.name, ''), coalesce(t.name_zh, ''),
  CASE WHEN e.kind <> 'access' THEN c.amount END, c.level, c.early_hours
FROM entitlements_tierbenefit c
JOIN entitlements_ladderversion v ON v.id = c.version_id AND v.status = 'active'
JOIN entitlements_benefit e ON e.id = c.benefit_id
LEFT JOIN members_tier t ON t.id = c.tier_id
WHERE c.benefit_id = ANY(%(benefits)s::bigint[])"""


@dataclass(frozen=True)
class State:
    """Where a member stands: ``position`` of her tier (None: the free tier), and what she holds by benefit."""

    position: int | None
    held: dict[int, Held]


def state_of(member_id: int, benefit_ids: Sequence[int], at: datetime) -> State | None:
    """Where she stands with these benefits; None when that no longer holds at ``at``, or was never settled."""
    rows = execute_alone(_STATE, {"member": member_id, "benefits": list(benefit_ids), "at": at})
    if not rows or not all(row[0] for row in rows):
        return None
    return State(rows[0][1], {row[2]: Held(*row[3:]) for row in rows if row[2] is not None})


def rungs_of(benefit_ids: Sequence[int]) -> dict[int, list[Rung]]:
    """What each tier of the ladder in force gives of these benefits."""
    found: dict[int, list[Rung]] = {pk: [] for pk in benefit_ids}
    for benefit_id, *rung in execute_alone(_RUNGS, {"benefits": list(benefit_ids)}):
        found[benefit_id].append(Rung(*rung))
    return found
