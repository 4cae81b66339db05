"""Numbers and money as every page writes them, for every floor."""

from decimal import Decimal

from django.utils.translation import get_language

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
