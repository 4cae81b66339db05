"""Amounts in files are read by the currency of their row. ``suites/test_currencies.py`` has every currency."""

import csv as csv_module
import io

import pytest

from members.events.models import Event
from members.exports.models import EventRecord
from members.resources import EventResource
from members.terms.models import MembershipTerm
from tests.factories import TierFactory, make_member
from tests.members.imports.files import checked, csv, issues, written

pytestmark = pytest.mark.django_db

TERMS = "external_id,external_ref,tier,activation_time,expiration_time,price,currency"


@pytest.fixture
def people(at):
    TierFactory(code="gold")
    return [make_member(at=at, identities={"external_id": f"A{n}"}) for n in range(5)]


def rows_of(resource) -> list[list[str]]:
    return list(csv_module.reader(io.StringIO(resource.export().csv)))


def test_an_amount_is_read_by_the_currency_of_its_row(people, operator, at):
    written(
        csv(TERMS, [
            "A0,O-0,gold,2026-11-01,2026-12-01,500,JPY", "A1,O-1,gold,2026-11-01,2026-12-01,1.234,KWD",
            'A2,O-2,gold,2026-11-01,2026-12-01,"1,234.50",usd', "A3,O-3,gold,2026-11-01,2026-12-01,19.9,",
            "A4,O-4,gold,2026-11-01,2026-12-01,500.00,JPY",
        ]), actor=operator, at=at, profile="terms",
    )  # fmt: skip
    assert list(MembershipTerm.objects.order_by("external_ref").values_list("price_cents", "currency")) == [
        (500, "JPY"), (1234, "KWD"), (123450, "USD"), (1990, "CNY"), (500, "JPY"),
    ]  # fmt: skip


def test_what_is_no_amount_of_the_currency_is_named(people, operator, at):
    run = checked(
        csv(TERMS, [
            "A0,O-0,gold,2026-11-01,2026-12-01,500.5,JPY", "A1,O-1,gold,2026-11-01,2026-12-01,1.005,CNY",
            "A2,O-2,gold,2026-11-01,2026-12-01,1,XYZ", "A3,O-3,gold,2026-11-01,2026-12-01,99999999999999,JPY",
            "A4,O-4,gold,2026-11-01,2026-12-01,ten,JPY",
        ]), actor=operator, at=at, profile="terms",
    )  # fmt: skip
    assert [(row, field, code) for row, field, code, _ in issues(run)] == [
        (2, "price", "too_many_decimals"), (3, "price", "too_many_decimals"), (4, "currency", "bad_currency"),
        (5, "price", "amount_too_large"), (6, "price", "bad_amount"),
    ]  # fmt: skip


def test_events_too(people, operator, at):
    text = csv("external_id,event,occurred_at,message_id,value,currency", [
        "A0,order,2026-11-11,m1,500,JPY", "A1,order,2026-11-11,m2,-1.234,KWD", "A2,order,2026-11-11,m3,12.5,",
        "A3,order,2026-11-11,m4,,",
    ])  # fmt: skip
    written(text, actor=operator, at=at, profile="events")
    stored = Event.objects.order_by("message_id").values_list("value_cents", "currency")
    assert list(stored) == [(500, "JPY"), (-1234, "KWD"), (1250, "CNY"), (None, "")]
    header, *rows = rows_of(EventResource())
    value, currency = header.index("value"), header.index("currency")
    shown = {(row[value], row[currency]) for row in rows}
    assert shown == {("500", "JPY"), ("-1.234", "KWD"), ("12.50", "CNY"), ("", "")}
    assert EventRecord.objects.count() == 4
