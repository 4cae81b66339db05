"""Every currency, from the form to the page and from file to file, in both languages: no amount changes on its way."""

import csv as csv_module
import io
import re

import pytest
from django.urls import reverse
from django.utils import translation

from config.engine import money
from members.plans.console.forms import PlanForm
from members.plans.models import Plan
from members.plans.operations import save_plan
from members.resources import TermResource
from members.terms.models import MembershipTerm
from tests.conftest import signed_in_client
from tests.factories import TierFactory, make_member
from tests.members.imports.files import csv, written

pytestmark = pytest.mark.django_db

CURRENCIES = sorted(money.known_currencies())
LANGUAGES = {"en": "1234", "zh-hans": "98765432"}
FRACTION = "5678"
# As ISO 4217 has them, so that a fault of Babel's data would be seen.
DIGITS = {
    0: ("JPY", "KRW", "VND", "CLP", "ISK", "PYG", "UGX", "XAF", "XOF", "XPF"),
    2: ("CNY", "USD", "EUR", "GBP", "HKD", "TWD", "SGD", "INR", "BRL", "CHF", "MXN", "THB"),
    3: ("BHD", "JOD", "KWD", "LYD", "OMR", "TND"),
    4: ("CLF", "UYW"),
}


def amounts(whole: str) -> dict[str, str]:
    """An amount with all its decimals in every currency: 1234 of JPY, 1234.56 of CNY."""
    digits = {currency: money.digits_of(currency) for currency in CURRENCIES}
    return {currency: f"{whole}.{FRACTION[:n]}" if n else whole for currency, n in digits.items()}


def in_minor_units(typed: dict[str, str]) -> dict[str, int]:
    return {currency: int(amount.replace(".", "")) for currency, amount in typed.items()}


@pytest.mark.parametrize(("digits", "currency"), [(n, c) for n, codes in DIGITS.items() for c in codes])
def test_a_currency_has_the_decimals_of_iso_4217(digits, currency):
    assert money.digits_of(currency) == digits


def test_yen_are_stored_as_yen_and_fils_as_fils():
    assert money.to_minor("500", "JPY") == 500
    assert money.to_minor("1.234", "KWD") == 1234
    assert money.to_minor("200", "CNY") == 20_000


@pytest.mark.parametrize(("language", "whole"), LANGUAGES.items())
def test_what_is_typed_in_a_form_is_stored_and_shown(language, whole, admin, at):
    tier, typed = TierFactory(), amounts(whole)
    client = signed_in_client(admin, language)
    with translation.override(language):
        for currency, amount in typed.items():
            data = {
                "code": currency.lower(), "name": currency, "name_zh": currency, "tier": tier.pk, "duration_count": 1,
                "duration_unit": "month", "price_cents": amount, "currency": currency, "trial_days": 0,
                "switch_policy": "immediate", "is_sold": "on",
            }  # fmt: skip
            form = PlanForm(data)
            assert form.is_valid(), (currency, form.errors)
            save_plan(plan_id=None, actor=admin, at=at, **form.cleaned_data)
        plans = {plan.currency: plan for plan in Plan.objects.all()}
        assert {c: plan.price_cents for c, plan in plans.items()} == in_minor_units(typed)
        again = {c: PlanForm(instance=plan)["price_cents"].value() for c, plan in plans.items()}
        assert again == typed
    page = client.get(reverse("members:plans")).content.decode()
    rows = dict(re.findall(r'<td class="mono">([a-z]{3})</td>.*?<td class="r">\D*(\d[\d,.]*)</td>', page))
    shown = f"{int(whole):,}"
    assert {c: rows[c.lower()] for c in CURRENCIES} == {c: amount.replace(whole, shown) for c, amount in typed.items()}


@pytest.mark.parametrize(("language", "whole"), LANGUAGES.items())
def test_what_a_file_holds_is_stored_exported_and_imported_again(language, whole, operator, at):
    TierFactory(code="gold")
    typed = amounts(whole)
    for n in range(len(CURRENCIES)):
        make_member(at=at, identities={"external_id": f"A{n}"})
    header = "external_id,external_ref,tier,activation_time,expiration_time,price,currency"
    rows = [
        f"A{n},O-{currency},gold,2026-11-01,2026-12-01,{amount},{currency}"
        for n, (currency, amount) in enumerate(typed.items())
    ]
    expected = in_minor_units(typed)
    with translation.override(language):
        written(csv(header, rows), actor=operator, at=at, profile="terms")
        assert dict(MembershipTerm.objects.values_list("currency", "price_cents")) == expected
        exported = TermResource().export().csv
        names, *lines = csv_module.reader(io.StringIO(exported))
        price, currency = names.index("price"), names.index("currency")
        assert {line[currency]: line[price] for line in lines} == typed
        run = written(exported, actor=operator, at=at, profile="terms")
        assert (run.created_count, run.unchanged_count) == (0, len(CURRENCIES))
        # Where nothing is known, the export alone brings back the same.
        MembershipTerm.objects.all().delete()
        written(exported, actor=operator, at=at, profile="terms")
        assert dict(MembershipTerm.objects.values_list("currency", "price_cents")) == expected
