"""Order numbers of the house are the house's own, whoever tries to use one."""

import pytest

from entitlements.offers.console.forms import RedeemForm
from members.terms.console.forms.terms import PurchaseForm
from members.terms.orders import house_order, is_house_order


def test_a_number_of_the_house():
    assert house_order("seat", 3, 17) == "house:seat:3:17"
    assert is_house_order("house:seat:3:17")
    assert not is_house_order("seat:3:17")
    assert not is_house_order("2026-house:1")


@pytest.mark.django_db
def test_nobody_types_one(member):
    for form, name in (
        (PurchaseForm({"external_ref": "house:seat:3:17"}, member=member), "external_ref"),
        (RedeemForm({"order_ref": "house:seat:3:17"}, choices=[]), "order_ref"),
    ):
        assert not form.is_valid()
        assert [error.code for error in form.errors.as_data()[name]] == ["order_reserved"]
