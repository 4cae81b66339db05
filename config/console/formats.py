"""How facts are written on a page: relative dates, money, numbers, masked names. Plain functions, no queries."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

# For every floor; pages find them among the formats.
from config.console.masking import mask_email as mask_email
from config.console.masking import mask_name as mask_name
from config.console.masking import mask_phone as mask_phone
from config.engine.money import money_text as money_text
from config.engine.numbers import DASH as DASH
from config.engine.numbers import compact_number_text as compact_number_text
from config.engine.numbers import number_text as number_text


def percent_text(share: float | Decimal | None, *, digits: int = 0) -> str:
    """A share of 0–1 as a percentage; a dash for None. Few are never called none, nor most of them all."""
    if share is None:
        return DASH
    text, least = number_text(share * 100, digits=digits), 10**-digits
    if share > 0 and text == number_text(0, digits=digits):
        return f"<{number_text(least, digits=digits)}%"
    if share < 1 and text == number_text(100, digits=digits):
        return f">{number_text(100 - least, digits=digits)}%"
    return f"{text}%"


def minute_text(instant: datetime) -> str:
    """``instant`` to the minute in the viewer's zone: ``2026-11-27 23:59``."""
    return _minute_and_offset(instant)[0]


def exact_text(instant: datetime) -> str:
    """``instant`` to the minute in the viewer's zone, with its offset: what a relative date shows on hover."""
    minute, offset = _minute_and_offset(instant)
    return f"{minute} ({_zone_text(offset)})"


def _minute_and_offset(instant: datetime) -> tuple[str, str]:
    # strftime takes five times as long, and a list has hundreds of instants.
    text = timezone.localtime(instant).isoformat(" ", "minutes")
    return text[:16], text[16:]


@lru_cache(maxsize=128)
def _zone_text(offset: str) -> str:
    hours, _, minutes = offset.partition(":")
    return f"UTC{int(hours):+d}" + (f":{minutes}" if minutes != "00" else "")


def day_text(day: date, today: date) -> str:
    """``day`` as people say it: today, in 7 days, 3 days ago; the plain date beyond 60 days."""
    days = (day - today).days
    if days == 0:
        return gettext("today")
    if days == 1:
        return gettext("tomorrow")
    if days == -1:
        return gettext("yesterday")
    if 1 < days <= 60:
        return ngettext("in %(days)s day", "in %(days)s days", days) % {"days": days}
    if -60 <= days < -1:
        return ngettext("%(days)s day ago", "%(days)s days ago", -days) % {"days": -days}
    return day.isoformat()


def instant_text(instant: datetime, at: datetime) -> str:
    """``instant`` as seen from ``at``: minutes within the hour, the clock time up to a day away, else days."""
    seconds = (instant - at).total_seconds()
    if abs(seconds) < 60:
        return gettext("just now") if seconds <= 0 else gettext("in a moment")
    if abs(seconds) < 3600:
        minutes = int(abs(seconds) // 60)
        if seconds < 0:
            return ngettext("%(n)s minute ago", "%(n)s minutes ago", minutes) % {"n": minutes}
        return ngettext("in %(n)s minute", "in %(n)s minutes", minutes) % {"n": minutes}
    local, today = timezone.localtime(instant), timezone.localtime(at).date()
    words = day_text(local.date(), today)
    if abs((local.date() - today).days) <= 1:
        return f"{words} {local:%H:%M}"
    return words


def heading_day_text(day: date, today: date) -> str:
    """``day`` as the heading of a group: Today, Yesterday, else the date, with its year when it is another one."""
    if day == today:
        return gettext("Today")
    if day == today - timedelta(days=1):
        return gettext("Yesterday")
    if day == today + timedelta(days=1):
        return gettext("Tomorrow")
    return date_format(day, "MONTH_DAY_FORMAT" if day.year == today.year else "DATE_FORMAT")
