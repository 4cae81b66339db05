"""Numbers as every page, sentence and mail writes them in the reader's language. Signs and words come from CLDR."""

from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from babel import Locale
from babel.numbers import NumberPattern, parse_pattern
from django.utils.translation import get_language

DASH = "—"
MINUS = "−"
# Shorter numbers are written out: 9,999 is as easily read as 10 K.
COMPACT_FROM = 10**4
SIGNIFICANT = 3


def locale_now() -> Locale:
    """The locale of the language pages are being written in; English where none is switched on."""
    return _locale(get_language() or "en")


@lru_cache(maxsize=16)
def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")


@lru_cache(maxsize=64)
def _pattern(digits: int) -> NumberPattern:
    return parse_pattern("#,##0" + ("." + "0" * digits if digits else ""))


def number_text(value: int | float | Decimal | None, *, digits: int = 0) -> str:
    """``value`` with thousands separated, a true minus sign, and ``digits`` decimals; a dash for None."""
    if value is None:
        return DASH
    return _pattern(digits).apply(Decimal(value), locale_now()).replace("-", MINUS)


def compact_number_text(value: int | float | Decimal | None) -> str:
    """``value`` in three significant figures: 万 and 亿 in Chinese, K, M and B in English; written out below 10,000."""
    if value is None:
        return DASH
    exact = Decimal(value)
    if abs(exact) < COMPACT_FROM:
        return number_text(value)
    size, word = _size(locale_now(), exact.adjusted())
    digits = max(0, SIGNIFICANT - 1 - (exact / size).adjusted())
    rounded = (exact / size).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
    if (rounded * size).adjusted() > exact.adjusted():
        # 999,999 becomes a million, not a thousand thousands.
        return compact_number_text(rounded * size)
    shown = max(0, -int(rounded.normalize().as_tuple().exponent))
    return f"{number_text(rounded, digits=shown)} {word}"


@lru_cache(maxsize=256)
def _size(locale: Locale, exponent: int) -> tuple[Decimal, str]:
    """What numbers of ``exponent`` + 1 digits are counted in, and its word: a million and M, ten thousand and 万."""
    patterns = locale.compact_decimal_formats["short"]["other"]
    largest = max(len(power) - 1 for power in patterns)
    whole = min(exponent, largest)
    pattern = patterns["1" + "0" * whole].pattern
    return Decimal(1).scaleb(whole - pattern.count("0") + 1), pattern.strip("0").strip().strip("'")
