import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.engine.ids import MOST, read_id, read_number


@pytest.mark.parametrize("text", ["1", "42", str(MOST)])
def test_a_number_the_database_can_hold_is_an_id(text):
    assert read_id(text) == int(text)
    assert read_id(int(text)) == int(text)


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "+1", "01", "1.0", "1e3", " 1", "²", "１", "1\x00", "9" * 5000, str(MOST + 1), None, True, 1.0],
)
def test_anything_else_is_none(text):
    assert read_id(text) is None


@given(st.text())
def test_no_text_raises(text):
    found = read_id(text)
    assert found is None or str(found) == text


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("366", 366)])
def test_a_number_is_read(text, number):
    assert read_number(text, most=366) == number


@pytest.mark.parametrize("text", ["", "367", "-1", "+1", "1.0", " 1", "²", "٣", "１", "9" * 5000])
def test_what_is_no_number_up_to_the_most_is_none(text):
    assert read_number(text, most=366) is None
