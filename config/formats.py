"""How facts are written on a page: relative dates, money, numbers, masked names. Plain functions, no queries."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext

# Masking is for every floor; pages find it among the formats.
from config.staff.masking import mask_email as mask_email
from config.staff.masking import mask_name as mask_name
from config.staff.masking import mask_phone as mask_phone

DASH = "—"
MINUS = "−"

# ISO 4217 currencies whose minor unit is not a hundredth.
_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "KWD": 3, "BHD": 3, "TND": 3}
_SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$", "TWD": "NT$"}


def is_chinese() -> bool:
    """Whether the page is being written in Chinese."""
    return (get_language() or "").startswith("zh")


def number_text(value: int | float | Decimal | None, *, digits: int = 0) -> str:
    """``value`` with thousands separated, a true minus sign, and ``digits`` decimals; a dash for None."""
    if value is None:
        return DASH
    return f"{value:,.{digits}f}".replace("-", MINUS)


def compact_number_text(value: int | float | Decimal | None) -> str:
    """``value`` in three significant figures: 万 and 亿 in Chinese, K, M and B in other languages."""
    if value is None:
        return DASH
    steps = ((10**8, "亿"), (10**4, "万")) if is_chinese() else ((10**9, "B"), (10**6, "M"), (10**4, "K"))
    exact = Decimal(value)
    for size, word in steps:
        if abs(exact) >= size:
            scaled = exact / (1000 if word == "K" else size)
            digits = max(0, 3 - len(str(int(abs(scaled)))))
            text = number_text(scaled, digits=digits)
            return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {word}"
    return number_text(value)


def money_text(amount_minor: int | None, currency: str, *, compact: bool = False) -> str:
    """``amount_minor`` (integer minor units) of ``currency`` as a price; round amounts show no decimals."""
    if amount_minor is None:
        return DASH
    digits = _MINOR_DIGITS.get(currency, 2)
    major = Decimal(amount_minor).scaleb(-digits)
    sign = MINUS if major < 0 else ""
    shown = compact_number_text(abs(major)) if compact else ""
    if not shown or shown.isdigit():
        shown = number_text(abs(major), digits=0 if major == major.to_integral_value() else digits)
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{shown}" if symbol else f"{sign}{currency} {shown}"


def percent_text(share: float | Decimal | None, *, digits: int = 0) -> str:
    """A share of 0–1 as a percentage; a dash for None."""
    return DASH if share is None else number_text(share * 100, digits=digits) + "%"


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
