"""The door for measures: what a tier can be earned by. Each app registers its own in ``AppConfig.ready``.

A measure is a statement over the relation ``asked`` (member_id, slot, start_on, end_on, start_at, end_at, zone,
joined_on, as_at, known_until): facts from ``start_on`` to before ``end_on``, the member's local dates, which are the
instants ``start_at`` to before ``end_at``; none that acts later than ``as_at`` or was not known by ``known_until``. It
gives (member_id, slot, value), and no row for 0.
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
from members.value.querysets.payments import EARNING_EVENTS, EARNING_TERMS


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
    """``changed`` gives (member_id, known_at, at) of new facts: when they were known and from when they act. Of what
    was recorded from the transaction ``%(after)s`` to before ``%(upto)s`` (xid8 as text), or since ``%(since)s``.

    ``instants`` is over the relation ``looks`` (member_id, look_at, known_until) and gives (member_id, at) of the next
    fact known by ``known_until`` that acts later than ``look_at``; no ``look_at`` is before ``%(earliest)s``.
    ``reached_on`` is the local date at whose beginning a measure that grows by the clock alone has the value
    ``{threshold}``, an expression over ``d``, the member with ``joined_on``.
    """

    code: str
    label: str | Promise
    unit: Unit
    statement: str
    changed: str = ""
    instants: str = ""
    reached_on: str = ""
    parameters: Callable[[datetime], Mapping[str, Any]] = _no_parameters

    def __post_init__(self) -> None:
        # The code stands in statements as the name of a column.
        if not re.fullmatch(r"[a-z][a-z_]{0,31}", self.code):
            raise ValueError(f"not the code of a measure: {self.code}")


MEASURES: Registry[Measure] = Registry("measures", code_of=lambda measure: measure.code)


_EARNED = """p.member_id = a.member_id AND p.paid_at >= a.start_at AND p.paid_at < a.end_at
    AND p.acts_at <= a.as_at AND p.known_at <= a.known_until"""

_SPEND = f"""
SELECT member_id, slot, greatest(sum(cents), 0)::bigint AS value FROM (
  SELECT a.member_id, a.slot, p.cents
  FROM asked a JOIN ({EARNING_EVENTS}) p ON {_EARNED} AND p.happened_at >= a.start_at
  UNION ALL
  SELECT a.member_id, a.slot, p.cents FROM asked a JOIN ({EARNING_TERMS}) p ON {_EARNED}
) s GROUP BY member_id, slot"""

_RECORDED = "recorded_xid >= %(after)s::text::xid8 AND recorded_xid < %(upto)s::text::xid8"

_SPEND_CHANGED = f"""
SELECT member_id, known_at, acts_at FROM ({EARNING_EVENTS}) p WHERE {_RECORDED}
UNION ALL SELECT member_id, least(known_at, %(at)s), acts_at FROM ({EARNING_TERMS}) p
WHERE changed_xid >= %(after)s::text::xid8 AND changed_xid < %(upto)s::text::xid8"""

_SPEND_INSTANTS = f"""
SELECT l.member_id, min(p.acts_at) FROM looks l JOIN ({EARNING_EVENTS}) p
  ON p.member_id = l.member_id AND p.happened_at > l.look_at AND p.acts_at > l.look_at AND p.known_at <= l.known_until
  AND p.happened_at > %(earliest)s GROUP BY l.member_id
UNION ALL SELECT l.member_id, min(p.acts_at) FROM looks l JOIN ({EARNING_TERMS}) p
  ON p.member_id = l.member_id AND p.acts_at > l.look_at AND p.known_at <= l.known_until GROUP BY l.member_id"""

_ACTIVE_DAYS = """
SELECT a.member_id, a.slot, count(*) AS value
FROM asked a
JOIN members_activeday y ON y.member_id = a.member_id AND y.local_on >= a.start_on AND y.local_on < a.end_on
WHERE y.first_at <= a.as_at
GROUP BY a.member_id, a.slot"""

_ACTIVE_CHANGED = f"""
SELECT member_id, greatest(received_at, occurred_at), occurred_at FROM members_event
WHERE {_RECORDED} AND definition_id IN (SELECT id FROM members_eventdefinition WHERE is_activity)"""

_ACTIVE_INSTANTS = """
SELECT l.member_id, min(y.first_at) FROM looks l JOIN members_activeday y
  ON y.member_id = l.member_id AND y.local_on >= (l.look_at AT TIME ZONE 'UTC')::date - 1 AND y.first_at > l.look_at
  AND y.local_on >= (%(earliest)s AT TIME ZONE 'UTC')::date - 1
GROUP BY l.member_id"""

_TENURE = "SELECT member_id, slot, greatest(end_on - 1 - joined_on, 0) AS value FROM asked"


def _money(at: datetime) -> Mapping[str, Any]:
    known = refreshing.parameters(at=at)
    return {name: known[name] for name in ("money", "currency", "unsaid", "counts_terms")} | {"takes_back": True}


def register_own() -> None:
    """The measures of what members know."""
    MEASURES.register(
        Measure("spend", _("Spend"), Unit.MONEY, _SPEND, _SPEND_CHANGED, _SPEND_INSTANTS, parameters=_money)
    )
    MEASURES.register(
        Measure("active_days", _("Active days"), Unit.DAYS, _ACTIVE_DAYS, _ACTIVE_CHANGED, _ACTIVE_INSTANTS)
    )
    MEASURES.register(
        Measure("tenure_days", _("Days since joining"), Unit.DAYS, _TENURE, reached_on="(d.joined_on + {threshold})")
    )
