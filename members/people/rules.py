"""Local dates of a member, and the form in which identities are compared.

The standard library only: no clock, no database.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


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


def last_day(end: datetime, zone: str) -> date:
    """The last local day of what ends at ``end``: the date of the instant before. Midnight ends the day before.

    ``members.people.querysets.days`` says it for statements; a test holds the two equal.
    """
    return local_date(end - timedelta.resolution, zone)


def end_for_people(end: datetime, zone: str) -> date | datetime:
    """An end as people say it: the last day where it ends at a midnight of ``zone``, else the instant."""
    return last_day(end, zone) if end.astimezone(ZoneInfo(zone)).time() == time(0) else end


def shift_local(instant: datetime, to_day: date, zone: str) -> datetime:
    """The instant on local date ``to_day`` with the local wall-clock time of ``instant``."""
    local = instant.astimezone(ZoneInfo(zone))
    return datetime.combine(to_day, local.timetz().replace(tzinfo=None), tzinfo=ZoneInfo(zone)).astimezone(UTC)


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
