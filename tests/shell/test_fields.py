"""Fields of the domain's forms."""

import pytest
from django.core.exceptions import ValidationError

from config.console.fields import PlanChoiceField, TypedNumberField
from members.plans.models import Plan


@pytest.mark.parametrize("typed", ["7043", "7,043", " 7 043 ", "７０４３", "7，043"])
def test_a_number_typed_to_confirm_is_read_as_the_page_reads_it(typed):
    assert TypedNumberField().clean(typed) == 7043


@pytest.mark.parametrize(
    ("cents", "currency", "price"), [(900, "CNY", "¥9"), (123450, "", "¥1,234.50"), (5, "USD", "$0.05")]
)
def test_a_plan_is_offered_with_its_price_as_pages_write_it(cents, currency, price):
    plan = Plan(name="Basic", price_cents=cents, currency=currency)
    assert PlanChoiceField(queryset=Plan.objects.none()).label_from_instance(plan) == f"Basic · {price}"


@pytest.mark.parametrize("typed", ["", None, "all"])
def test_no_number_is_no_confirmation(typed):
    with pytest.raises(ValidationError):
        TypedNumberField().clean(typed)
