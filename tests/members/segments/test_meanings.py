"""What single conditions mean where one could think otherwise, and that their words say so."""

from datetime import timedelta

import pytest
from django.utils import translation

from members.counters.wanted import CounterKey
from members.segments.compiler import members_of
from members.segments.console.builder.draft import new_condition
from members.segments.registry import CONDITIONS
from members.segments.schema import check_catalogues, counters, read_rule
from tests import factories

pytestmark = pytest.mark.django_db

WEEK = {"op": "within_last", "amount": 7, "unit": "days"}


def rule_of(leaf, kind="all"):
    rule = read_rule({"version": 1, "root": {"kind": kind, "items": [leaf]}})
    check_catalogues(rule)
    return rule


def found(leaf, at, kind="all"):
    return set(members_of(rule_of(leaf, kind), at).values_list("pk", flat=True))


def words(leaf, language="en"):
    with translation.override(language):
        return rule_of(leaf).root.items[0].sentence()


def test_any_event_is_every_event(at):
    reader, buyer, _silent = (factories.make_member(at=at) for _ in range(3))
    factories.make_event(member=reader, at=at - timedelta(days=1), name="read")
    factories.make_event(member=buyer, at=at - timedelta(days=9), name="bought")
    never = {"kind": "event.never", "event": "*", "window": WEEK}
    assert found(never, at, "not") == {reader.pk}
    often = {"kind": "event.count", "event": "*", "window": {"op": "ever"}, "test": {"op": "gte", "value": 1}}
    assert found(often, at) == {reader.pk, buyer.pk}
    share = {
        "kind": "event.ratio",
        "event": "read",
        "of": "*",
        "window": {"op": "ever"},
        "test": {"op": "eq", "value": 100},
    }
    assert found(share, at) == {reader.pk}
    assert words(never) == "never any event, within the last 7 days"
    # A rolling counter counts one event.
    assert counters(rule_of({**often, "window": WEEK})) == frozenset()
    assert counters(rule_of({**often, "window": WEEK, "event": "read"})) == {CounterKey("read", 7 * 86400)}


def test_the_picker_offers_any_event_and_begins_with_a_real_one(at):
    factories.make_event(member=factories.make_member(at=at), at=at, name="read")
    count = CONDITIONS["event.count"]
    choices = next(field for field in count.fields if field.name == "event").choices()
    assert choices[0].value == "*"
    assert new_condition(count)["event"] == choices[1].value
