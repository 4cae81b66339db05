"""Fields of the domain's forms."""

import pytest
from django.core.exceptions import ValidationError

from members.fields import TypedNumberField


@pytest.mark.parametrize("typed", ["7043", "7,043", " 7 043 ", "７０４３", "7，043"])
def test_a_number_typed_to_confirm_is_read_as_the_page_reads_it(typed):
    assert TypedNumberField().clean(typed) == 7043


@pytest.mark.parametrize("typed", ["", None, "all"])
def test_no_number_is_no_confirmation(typed):
    with pytest.raises(ValidationError):
        TypedNumberField().clean(typed)
