"""When a year is over, and what a service target says."""

from datetime import UTC, datetime

from config.engine.ids import read_number

# A local year ends last where the clock is twelve hours behind UTC.
_LAST_PLACE_HOUR = 12
MAX_MINUTES = 60 * 24 * 7


def year_is_over(year: int, at: datetime) -> bool:
    """Whether the calendar year has ended for every member, wherever she lives."""
    return at >= datetime(year + 1, 1, 1, _LAST_PLACE_HOUR, tzinfo=UTC)


def last_year_over(at: datetime) -> int:
    """The latest year that has ended everywhere."""
    year = at.astimezone(UTC).year - 1
    return year if year_is_over(year, at) else year - 1


def minutes_of(level: str) -> int | None:
    """The minutes to a first answer that the level of a benefit says (``30``); None when it says none."""
    return read_number(level.strip(), most=MAX_MINUTES) or None
