"""Usage periods, burn order and what is carried over: the rules the settling statements are held to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from members.terms.rules import add_months

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
# Where periods that never end are counted from.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bucket:
    """What is left of one source at an instant. No amount is no limit; lower priority burns first.

    ``expires_at`` is when its grant expires, not when its usage period closes; ``given_at`` when it came into force.
    """

    key: int
    left: int | None
    priority: int
    expires_at: datetime | None
    given_at: datetime


def usage_period(
    unit: str, *, by_calendar: bool, zone: str, anchor: datetime, at: datetime
) -> tuple[datetime, datetime | None]:
    """The usage period ``[start, end)`` that holds ``at``, in UTC; no end for ``term`` and ``never``.

    Local days of ``zone``. Counted from the anchor, month n begins n months after it and never n-1 months and one:
    Jan 31 → Feb 28 → Mar 31.
    """
    if unit == "never":
        return EPOCH, None
    if unit == "term":
        return anchor, None
    local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if by_calendar:
        start = _calendar_start(unit, local)
        return _utc(start, zone), _utc(_after(start, unit, 1), zone)
    since = anchor.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if unit in _DAYS:
        n = (local - since) // timedelta(days=_DAYS[unit])
    else:
        n = ((local.year - since.year) * 12 + local.month - since.month) // _MONTHS[unit]
        n -= _after(since, unit, n) > local
    return _utc(_after(since, unit, n), zone), _utc(_after(since, unit, n + 1), zone)


def burn(buckets: Sequence[Bucket], spent: int) -> dict[int, int]:
    """How much of ``spent`` falls on each bucket: by priority, then what expires first, then the oldest.

    What exceeds all of them is not in the answer.
    """
    far = datetime.max.replace(tzinfo=UTC)
    taken = {}
    for bucket in sorted(buckets, key=lambda b: (b.priority, b.expires_at or far, b.given_at, b.key)):
        part = spent if bucket.left is None else min(spent, bucket.left)
        if part:
            taken[bucket.key] = part
        spent -= part
    return taken


def periods_between(unit: str, *, zone: str, start: datetime, later: datetime) -> int:
    """How many usage periods end from the beginning of one to that of a later one, both counted from one day."""
    first, last = (instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for instant in (start, later))
    if unit in _DAYS:
        return round((last - first) / timedelta(days=_DAYS[unit]))
    return ((last.year - first.year) * 12 + last.month - first.month) // _MONTHS[unit]


def carried_over(left: int, *, allowance: int, periods: int, at_least: int, at_most: int) -> int:
    """What is carried into the current period after ``periods`` ends (1 or more), nothing used after the first.

    OpenMeter's rule at each end: min(at_most, max(left, at_least)).
    """
    first = min(at_most, max(left, at_least))
    return min(at_most, first + (periods - 1) * allowance)


def _calendar_start(unit: str, local: datetime) -> datetime:
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "day":
        return day
    if unit == "week":
        return day - timedelta(days=day.weekday())
    month = {"month": day.month, "quarter": day.month - (day.month - 1) % 3, "year": 1}[unit]
    return day.replace(month=month, day=1)


def _after(start: datetime, unit: str, n: int) -> datetime:
    if unit in _DAYS:
        return start + timedelta(days=n * _DAYS[unit])
    return datetime.combine(add_months(start.date(), n * _MONTHS[unit]), start.time())


def _utc(local: datetime, zone: str) -> datetime:
    """As PostgreSQL reads a local time: just after a spring gap, the second of an autumn overlap."""
    return max(local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
