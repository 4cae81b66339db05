"""Pure date arithmetic of terms. The standard library only: no clock, no database."""

import calendar
from datetime import date, timedelta

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


def pro_rata_days(remaining_days: float, price_from: int, days_from: float, price_to: int, days_to: float) -> int:
    """Whole days of the new plan that the unused value of the old term buys; 0 where either has no price.

    Unused value = price_from × remaining ÷ days_from; a day of the new plan costs price_to ÷ days_to.
    """
    if price_from <= 0 or price_to <= 0 or days_from <= 0 or days_to <= 0 or remaining_days <= 0:
        return 0
    return int(remaining_days / days_from * price_from / (price_to / days_to))
