"""Money, decided in one place: an amount is a whole number of its currency's minor units, and never without a currency.

Columns and answers called ``…_cents`` hold **minor units of the currency beside them**, or of the project's own where
none stands there: fen of CNY, yen of JPY, fils of KWD. How many digits a currency has is CLDR's word, read through
Babel. People type and read major units, in forms, files and sentences; programs get minor units and the currency.
Amounts of different currencies are never added up nor compared.
"""

import re
from decimal import Decimal
from functools import lru_cache

from babel.core import get_global
from babel.numbers import get_currency_precision, get_currency_symbol
from django.conf import settings

from config.engine.numbers import DASH, MINUS, compact_number_text, locale_now, number_text
from config.engine.refusal import Refused

# Sums of a million such amounts still fit a bigint.
MAX_MINOR = 10**13
MAX_FIGURES = 28
# A sign that two currencies share belongs to the project's; both languages then write an amount alike.
_SYMBOLS = {"CNY": "¥", "JPY": "JP¥", "USD": "$"}
_NUMBER = re.compile(r"[-−]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?|[-−]?\.\d+", re.ASCII)
# Digits and signs as Chinese input methods write them. NFKC would read ² as 2.
_FULL_WIDTH = {ord(wide): plain for wide, plain in zip("０１２３４５６７８９，．－", "0123456789,.-", strict=True)}
# Compact amounts from here on have no decimals.
COMPACT_FROM = 1000
_DEFAULT_DIGITS = 2


@lru_cache(maxsize=1)
def known_currencies() -> frozenset[str]:
    """The codes of every currency CLDR knows, past ones too: old orders keep theirs."""
    return frozenset(get_global("all_currencies"))


@lru_cache(maxsize=512)
def digits_of(currency: str) -> int:
    """How many decimals an amount of ``currency`` has: 0 for JPY, 3 for KWD; 2 where CLDR names no other."""
    return get_currency_precision(currency)


def to_minor(amount: str | Decimal, currency: str, *, may_be_negative: bool = False, most: int = MAX_MINOR) -> int:
    """``amount`` in major units, as typed or exact, in minor units of ``currency``; no more than ``most`` of them.

    Full-width digits and separated thousands are read. Raises ``Refused``: ``not_an_amount``, ``unknown_currency``,
    ``no_decimals`` or ``too_many_decimals`` (more than the ``digits`` the currency has), ``negative_amount``,
    ``amount_too_large``. ``config/engine/words.py`` has the sentences.
    """
    if currency not in known_currencies():
        raise Refused("unknown_currency", currency=currency)
    minor = _exact(amount).scaleb(digits_of(currency))
    if abs(minor) > most:
        raise Refused("amount_too_large")
    if minor != minor.to_integral_value():
        digits = digits_of(currency)
        raise Refused("too_many_decimals" if digits else "no_decimals", currency=currency, digits=digits)
    if minor < 0 and not may_be_negative:
        raise Refused("negative_amount")
    return int(minor)


def _exact(amount: str | Decimal) -> Decimal:
    if isinstance(amount, str):
        plain = re.sub(r"\s", "", amount.translate(_FULL_WIDTH))
        if not _NUMBER.fullmatch(plain):
            raise Refused("not_an_amount")
        amount = Decimal(plain.replace(",", "").replace(MINUS, "-"))
    # Beyond this decimals would be rounded off unseen.
    if not amount.is_finite() or len(amount.as_tuple().digits) > MAX_FIGURES:
        raise Refused("not_an_amount")
    return amount


def to_major(minor: int | Decimal, currency: str) -> Decimal:
    """Minor units of ``currency`` in major units, with all its decimals: 500 of CNY is 5.00, of JPY 500."""
    return Decimal(minor).scaleb(-digits_of(currency))


def major_text(minor: int, currency: str) -> str:
    """An amount as a file holds it, with all its decimals: plain digits that ``to_minor`` reads back."""
    return f"{to_major(minor, currency):f}"


def plain_text(minor: int | Decimal, currency: str) -> str:
    """An amount as people type it: ``major_text``, without decimals where they are all noughts."""
    major = to_major(minor, currency)
    return f"{major:f}" if major % 1 else f"{major:.0f}"


def money_text(minor: int | Decimal | None, currency: str, *, compact: bool = False) -> str:
    """An amount in minor units of ``currency`` as a price for people; round amounts show no decimals.

    A bound that is a fraction of a minor unit shows all its decimals.
    """
    if minor is None:
        return DASH
    major = abs(to_major(minor, currency))
    if compact and major >= COMPACT_FROM:
        shown = compact_number_text(major)
    else:
        digits = max(digits_of(currency), -int(major.normalize().as_tuple().exponent))
        shown = number_text(major, digits=digits if major % 1 else 0)
    symbol = _SYMBOLS.get(currency) or get_currency_symbol(currency, locale_now())
    space = " " if symbol[-1:].isalpha() else ""
    return f"{MINUS if minor < 0 else ''}{symbol}{space}{shown}"


def minor_power_sql(currency: str) -> str:
    """SQL for how many minor units make one of the currency the SQL text ``currency`` gives: 1, 100, 1000, 10000.

    For statements over many rows; agrees with ``digits_of``.
    """
    by_digits: dict[int, list[str]] = {}
    for code in sorted(known_currencies()):
        by_digits.setdefault(digits_of(code), []).append(f"'{code}'")
    branches = " ".join(
        f"WHEN {currency} IN ({', '.join(codes)}) THEN {10**digits}"
        for digits, codes in sorted(by_digits.items())
        if digits != _DEFAULT_DIGITS
    )
    return f"(CASE {branches} ELSE {10**_DEFAULT_DIGITS} END)"


def known_currencies_sql() -> str:
    """The known currencies as a SQL list, for ``IN``."""
    return "(" + ", ".join(f"'{code}'" for code in sorted(known_currencies())) + ")"


def project_currency() -> str:
    """The organisation's own currency: that of every amount with none beside it."""
    currency: str = settings.PROJECT_CURRENCY
    return currency
