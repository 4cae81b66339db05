"""Money typed, stored, shown and typed again, in every currency there is."""

from decimal import Decimal

import pytest
from django import forms
from django.db import connection
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from config.console.fields import CurrencyField, MoneyField, typed_currency
from config.engine import money
from config.engine.refusal import Refused

CURRENCIES = sorted(money.known_currencies())
MINOR = st.integers(min_value=0, max_value=money.MAX_MINOR)


class PriceForm(forms.Form):
    price = MoneyField(currency=typed_currency("currency"), required=False)
    currency = CurrencyField()


def typed(price, currency):
    return PriceForm({"price": price, "currency": currency})


def test_currencies_have_zero_two_three_and_four_decimals():
    by_digits = {digits: [c for c in CURRENCIES if money.digits_of(c) == digits] for digits in (0, 2, 3, 4)}
    assert sum(map(len, by_digits.values())) == len(CURRENCIES) > 200
    assert {"JPY", "KRW", "VND"} <= set(by_digits[0])
    assert {"CNY", "USD", "EUR", "HKD"} <= set(by_digits[2])
    assert by_digits[3] == ["BHD", "JOD", "KWD", "LYD", "OMR", "TND"]
    assert by_digits[4] == ["CLF", "UYW"]


@given(minor=MINOR, currency=st.sampled_from(CURRENCIES))
def test_typed_stored_shown_and_typed_again_is_the_same(minor, currency):
    shown = money.plain_text(minor, currency)
    assert money.to_minor(shown, currency) == minor
    assert money.to_minor(money.major_text(minor, currency), currency) == minor
    assert money.to_minor(money.to_major(minor, currency), currency) == minor
    assert money.to_minor("-" + shown, currency, may_be_negative=True) == -minor
    form = typed(shown, currency)
    assert form.is_valid(), form.errors
    assert form.cleaned_data == {"price": minor, "currency": currency}
    again = PriceForm(initial={"price": minor, "currency": currency})
    assert again["price"].value() == shown


@given(minor=MINOR, currency=st.sampled_from(CURRENCIES), language=st.sampled_from(["en", "zh-hans"]))
def test_what_a_page_shows_is_the_amount(minor, currency, language):
    with translation.override(language):
        shown = money.money_text(minor, currency)
        assert money.money_text(-minor - 1, currency).startswith("−")
    number = shown[next(i for i, sign in enumerate(shown) if sign.isdigit()) :]
    assert money.to_minor(number, currency) == minor


@pytest.mark.django_db
def test_statements_count_the_same_minor_units():
    sql = f"SELECT c, {money.minor_power_sql('c')} FROM unnest(%s::text[]) AS c"
    with connection.cursor() as cursor:
        cursor.execute(sql, [CURRENCIES])
        assert dict(cursor.fetchall()) == {c: 10 ** money.digits_of(c) for c in CURRENCIES}


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("500.5", "JPY", "no_decimals"),
        ("1.005", "CNY", "too_many_decimals"),
        ("1.0005", "KWD", "too_many_decimals"),
        (Decimal("0.001"), "USD", "too_many_decimals"),
        ("-1", "CNY", "negative_amount"),
        ("100000000000.01", "CNY", "amount_too_large"),
        ("1" * 27, "JPY", "amount_too_large"),
        ("1" * 5000, "JPY", "not_an_amount"),
        ("5" + "0" * 10 + ".000000000000000000000000001", "JPY", "not_an_amount"),
        ("12,34", "CNY", "not_an_amount"),
        ("1e3", "CNY", "not_an_amount"),
        ("²", "CNY", "not_an_amount"),
        ("٣", "CNY", "not_an_amount"),
        ("NaN", "CNY", "not_an_amount"),
        (Decimal("Infinity"), "CNY", "not_an_amount"),
        ("\0", "CNY", "not_an_amount"),
        (".", "CNY", "not_an_amount"),
        ("1", "XYZ", "unknown_currency"),
        ("1", "", "unknown_currency"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused(amount, currency, code):
    with pytest.raises(Refused) as refused:
        money.to_minor(amount, currency)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("1,234.5", 123450), ("１２，３４５．６０", 1234560), (" 268 ", 26800), ("5.", 500), (".5", 50)],
)
def test_amounts_are_read_as_people_write_them(amount, minor):
    assert money.to_minor(amount, "CNY") == minor


@pytest.mark.parametrize(
    ("amount", "currency", "field", "error"),
    [
        ("500.5", "JPY", "price", "JPY has no decimals."),
        ("1.0005", "kwd", "price", "KWD has 3 decimals at most."),
        ("-1", "CNY", "price", "An amount is not below 0."),
        ("x", "CNY", "price", "Write an amount, like 268 or 268.50."),
        ("5", "XYZ", "currency", "No such currency. Write its three-letter code, like CNY."),
    ],
)
def test_a_form_says_what_is_wrong(amount, currency, field, error):
    form = typed(amount, currency)
    assert not form.is_valid()
    assert form.errors[field] == [error]
    assert form["price"].value() == amount


def test_a_form_knows_whether_an_amount_was_changed():
    field = MoneyField(currency="JPY")
    assert not field.has_changed(500, "500")
    assert field.has_changed(500, "501")
    assert field.has_changed(None, "0")
    assert not field.has_changed(None, "")


@pytest.mark.parametrize(("currency", "step"), [("JPY", "1"), ("CNY", "0.01"), ("KWD", "0.001"), (None, "0.01")])
def test_the_browser_offers_the_decimals_of_the_currency(currency, step):
    form = type("Fixed", (forms.Form,), {"price": MoneyField(currency=currency)})()
    assert f'step="{step}"' in str(form["price"])


@pytest.mark.parametrize(
    ("minor", "currency", "en", "zh"),
    [
        (48_612_000, "CNY", "¥486 K", "¥48.6 万"),
        (48_612_000, "JPY", "JP¥48.6 M", "JP¥4,861 万"),
        (99_999_900, "USD", "$1 M", "$100 万"),
        (99_999, "CNY", "¥999.99", "¥999.99"),
        (-486_120_500, "KWD", "−KWD 486 K", "−KWD 48.6 万"),
    ],
)
def test_compact_amounts(minor, currency, en, zh):
    with translation.override("en"):
        assert money.money_text(minor, currency, compact=True) == en
    with translation.override("zh-hans"):
        assert money.money_text(minor, currency, compact=True) == zh
