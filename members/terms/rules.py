"""Pure date arithmetic of terms. The standard library only: no clock, no database."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from members.people.rules import at_local, end_of_day, last_day, local_date, shift_local

DAY, WEEK, MONTH, YEAR = "day", "week", "month", "year"


def add_months(anchor: date, months: int) -> date:
    """``anchor`` moved by ``months`` calendar months, clipped to the month's last day.

    Always counted from the anchor and never from an earlier result, so that Jan 31 gives Feb 28, then Mar 31.
    """
    index = anchor.year * 12 + anchor.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(anchor.day, calendar.monthrange(year, month + 1)[1]))


def add_duration(anchor: date, unit: str, count: int) -> date:
    """``anchor`` plus ``count`` whole units (``day``, ``week``, ``month`` or ``year``)."""
    if unit == DAY:
        return anchor + timedelta(days=count)
    if unit == WEEK:
        return anchor + timedelta(weeks=count)
    return add_months(anchor, count * (12 if unit == YEAR else 1))


def expiring_window_days(term_days: int, window_days: int, fraction: float) -> int:
    """Whole days before the end in which a term counts as expiring: min(window, fraction of the term)."""
    return min(window_days, int(term_days * fraction))


@dataclass(frozen=True)
class Chain:
    """From where months and days are counted: so many months after ``first_on``, at ``clock``, what is booked ends.

    Counted in days, ``months`` is 0 and ``first_on`` is the day on which it ends.
    """

    first_on: date
    clock: time
    months: int = 0

    @classmethod
    def from_instant(cls, at: datetime, zone: str) -> "Chain":
        """A chain that begins at the instant."""
        return cls(local_date(at, zone), at.astimezone(ZoneInfo(zone)).time())

    def extended(self, unit: str, count: int) -> "Chain":
        """The chain with ``count`` units (``day``, ``week``, ``month`` or ``year``) more."""
        if unit in (DAY, WEEK):
            on = add_months(self.first_on, self.months)
            return replace(self, first_on=add_duration(on, unit, count), months=0)
        return replace(self, months=self.months + count * (12 if unit == YEAR else 1))

    def ends_at(self, zone: str, *, at_midnight: bool) -> datetime:
        """When what is booked so far ends: at the hour, or at the local midnight after its last day."""
        ends_at = at_local(add_months(self.first_on, self.months), self.clock, zone)
        return end_of_day(last_day(ends_at, zone), zone) if at_midnight else ends_at


@dataclass(frozen=True)
class Span:
    """A stretch of time in which a member was covered, as far as the chain of cover asks about it."""

    starts_at: datetime
    ends_at: datetime
    tier_id: int
    grace_days: int
    is_trial: bool = False
    is_paid: bool = False
    is_taken_back: bool = False


@dataclass(frozen=True)
class Hold:
    """The grace that follows a chain of cover.

    ``until`` is when it is over, the end of the chain itself where nothing paid is in it; ``tier_id`` the tier of the
    chain's last link; ``covered_until`` the end of the last cover of any kind, ``is_last`` that the link gave it.
    """

    until: datetime
    tier_id: int
    covered_until: datetime
    is_last: bool


def hold_of(spans: Iterable[Span], zone: str) -> Hold | None:
    """The hold behind the last link of ``spans``, all of them past; None without any link.

    Refunded, voided and trial time is no link. What was taken back does not break a chain either, and nobody is held
    for it: the hold counts from the end of the last other cover, as long as the last paid link says.
    """
    spans = sorted(spans, key=lambda span: (span.starts_at, span.ends_at))
    reach = until = None
    last: Span | None = None
    grace_days = 0
    for span in spans:
        if span.is_trial:
            continue
        if span.is_taken_back:
            reach = max(reach, span.ends_at) if reach and span.starts_at <= reach else reach
            continue
        if reach is None or until is None or span.starts_at > max(reach, until):
            grace_days = 0
        grace_days = span.grace_days if span.is_paid else grace_days
        last, reach = span, span.ends_at if reach is None else max(reach, span.ends_at)
        until = shift_local(span.ends_at, local_date(span.ends_at, zone) + timedelta(days=grace_days), zone)
    if last is None or until is None:
        return None
    covered_until = max(span.ends_at for span in spans)
    return Hold(until, last.tier_id, covered_until, last.ends_at == covered_until)
