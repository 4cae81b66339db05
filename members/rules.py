"""Pure date arithmetic of terms. The standard library only: no clock, no database."""

import calendar
import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

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


def local_date(instant: datetime, zone: str) -> date:
    """The local date of an aware instant in an IANA time zone."""
    return instant.astimezone(ZoneInfo(zone)).date()


def at_local(day: date, clock: time, zone: str) -> datetime:
    """The UTC instant at which the local clock in ``zone`` shows ``clock`` on ``day``.

    In a spring gap the instant just after the gap, in an autumn overlap the first of the two (PEP 495, fold 0).
    """
    return datetime.combine(day, clock, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def end_of_day(day: date, zone: str) -> datetime:
    """The UTC instant at which ``day`` ends in ``zone``."""
    return at_local(day + timedelta(days=1), time(0), zone)


def shift_local(instant: datetime, to_day: date, zone: str) -> datetime:
    """The instant on local date ``to_day`` with the local wall-clock time of ``instant``."""
    local = instant.astimezone(ZoneInfo(zone))
    return datetime.combine(to_day, local.timetz().replace(tzinfo=None), tzinfo=ZoneInfo(zone)).astimezone(UTC)


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


def normalise_identity(kind: str, value: str) -> str:
    """The form in which an identity is stored and compared.

    NFKC (full-width digits become plain), trimmed; an email lower-cased; a phone without separators, and a mainland
    Chinese number without its country code.
    """
    plain = unicodedata.normalize("NFKC", value).strip()
    if kind == "email":
        return plain.lower()
    if kind != "phone":
        return plain
    digits = re.sub(r"[\s\-().·]", "", plain)
    mainland = re.fullmatch(r"(?:\+?86)?(1[3-9]\d{9})", digits)
    return mainland.group(1) if mainland else digits
