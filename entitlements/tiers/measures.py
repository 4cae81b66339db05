"""The door for measures: what a tier can be earned by. Each app registers its own in ``AppConfig.ready``.

A measure is a statement over the relation ``asked`` (member_id, slot, start_on, end_on, start_at, end_at, zone,
joined_on): facts from ``start_on`` to before ``end_on``, her local dates, which are the instants ``start_at`` to before
``end_at``; none later than ``%(at)s``. It gives (member_id, slot, value), and no row for 0.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.engine.registry import Registry
from members.value.operations import refreshing
from members.value.querysets.payments import PAID_EVENTS, PAID_TERMS


class Unit(StrEnum):
    """What a measure is counted in."""

    MONEY = "money"
    DAYS = "days"
    POINTS = "points"
    TIMES = "times"


def _no_parameters(at: datetime) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Measure:
    """``changed`` gives the ids of members for whom new facts came: events recorded from the transaction
    ``%(after)s`` to before ``%(upto)s`` (xid8 as text), other rows since the instant ``%(since)s``."""

    code: str
    label: str | Promise
    unit: Unit
    statement: str
    changed: str = ""
    parameters: Callable[[datetime], Mapping[str, Any]] = _no_parameters

    def __post_init__(self) -> None:
        # The code stands in statements as the name of a column.
        if not re.fullmatch(r"[a-z][a-z_]{0,31}", self.code):
            raise ValueError(f"not the code of a measure: {self.code}")


MEASURES: Registry[Measure] = Registry("measures", code_of=lambda measure: measure.code)


_WITHIN = "p.member_id = a.member_id AND p.paid_at >= a.start_at AND p.paid_at < a.end_at"

_SPEND = f"""
SELECT member_id, slot, greatest(sum(cents), 0)::bigint AS value FROM (
  SELECT a.member_id, a.slot, p.cents FROM asked a JOIN ({PAID_EVENTS}) p ON {_WITHIN}
  UNION ALL
  SELECT a.member_id, a.slot, p.cents FROM asked a JOIN ({PAID_TERMS}) p ON {_WITHIN}
) s GROUP BY member_id, slot"""

_RECORDED = "recorded_xid >= %(after)s::text::xid8 AND recorded_xid < %(upto)s::text::xid8"

_SPEND_CHANGED = f"""
SELECT member_id FROM members_event WHERE {_RECORDED} AND definition_id = ANY(%(money)s::bigint[])
UNION SELECT member_id FROM members_membershipterm
WHERE changed_xid >= %(after)s::text::xid8 AND changed_xid < %(upto)s::text::xid8"""

_ACTIVE_DAYS = """
SELECT a.member_id, a.slot, count(*) AS value
FROM asked a
JOIN members_activeday y ON y.member_id = a.member_id AND y.local_on >= a.start_on AND y.local_on < a.end_on
WHERE y.first_at <= %(at)s
GROUP BY a.member_id, a.slot"""

_ACTIVE_CHANGED = f"""
SELECT member_id FROM members_event
WHERE {_RECORDED} AND definition_id IN (SELECT id FROM members_eventdefinition WHERE is_activity)"""

_TENURE = "SELECT member_id, slot, greatest(end_on - 1 - joined_on, 0) AS value FROM asked"


def _money(at: datetime) -> Mapping[str, Any]:
    known = refreshing.parameters(at=at)
    return {name: known[name] for name in ("money", "currency", "unsaid", "counts_terms")}


def register_own() -> None:
    """The measures of what members know."""
    MEASURES.register(Measure("spend", _("Spend"), Unit.MONEY, _SPEND, _SPEND_CHANGED, _money))
    MEASURES.register(Measure("active_days", _("Active days"), Unit.DAYS, _ACTIVE_DAYS, _ACTIVE_CHANGED))
    MEASURES.register(Measure("tenure_days", _("Days since joining"), Unit.DAYS, _TENURE))
