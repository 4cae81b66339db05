"""What single conditions mean where one could think otherwise, and that their words say so."""

import json
import re
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


def test_of_a_list_each_value_counts(at):
    lists = {"both": ["a", "b"], "one": "a", "other": ["b"], "empty": [], "none": None}
    ids = {name: factories.make_member(at=at, attributes={"likes": value}).pk for name, value in lists.items()}

    def by(op, *values, type="text"):
        test = {"type": type, "op": op, "values": list(values)}
        return {
            name
            for name, pk in ids.items()
            if pk in found({"kind": "profile.attribute", "name": "likes", "test": test}, at)
        }

    assert by("is", "a") == {"both", "one"}
    assert by("is_not", "a") == {"other", "empty", "none"}
    assert by("contains", "B") == {"both", "other"}
    # Nothing is found by how a list is written.
    assert by("contains", '"') == by("starts_with", "[") == set()
    assert by("known") == {"both", "one", "other"}
    assert by("unknown") == {"empty", "none"}


def test_of_a_list_of_numbers_and_dates_one_value_is_enough(at):
    member = factories.make_member(at=at, attributes={"sizes": [3, "7", None], "visits": ["2026-01-05", "soon"]})

    def holds(name, **test):
        return found({"kind": "profile.attribute", "name": name, "test": test}, at) == {member.pk}

    assert holds("sizes", type="number", op="gt", value=5)
    assert not holds("sizes", type="number", op="gt", value=7)
    assert holds("visits", type="date", op="before", value="2026-02-01")


def test_each_value_of_a_list_is_one_of_the_different_values(at):
    member = factories.make_member(at=at)
    for value in (["a", "b"], "b", ["c", None], [], None):
        factories.make_event(member=member, at=at, name="read", properties={"category": value})
    leaf = {"kind": "event.values", "event": "read", "name": "category", "window": {"op": "ever"}}
    assert found({**leaf, "test": {"op": "eq", "value": 3}}, at) == {member.pk}


@pytest.mark.parametrize("typed", ["5,0", "1e40", "1_000", "5.", "NaN", "five"])
@pytest.mark.parametrize("where", ["number", "property", "span", "window"])
def test_what_is_no_number_is_said_to_be_none_and_stays_as_typed(typed, where, at, operator_client):
    factories.make_event(member=factories.make_member(at=at), at=at, name="read")
    often = {"kind": "event.count", "event": "read", "window": {"op": "ever"}, "test": {"op": "gte", "value": "1"}}
    leaf = {
        "number": {**often, "test": {"op": "gte", "value": typed}},
        "property": {
            **often,
            "where": [{"name": "x", "test": {"type": "number", "op": "between", "value": "1", "until": typed}}],
        },
        "span": {"kind": "lifecycle.last_active", "when": {**WEEK, "amount": typed}},
        "window": {**often, "window": {**WEEK, "amount": typed}},
    }[where]
    page = builder_page(operator_client, leaf)
    assert f"“{typed}” is no {'number' if where in ('number', 'property') else 'whole number'}" in page
    field = re.search(rf'<input[^>]*name="c0-0[^"]*" value="{re.escape(typed)}"[^>]*>', page)
    # A field of the type "number" would send nothing in its place.
    assert field
    assert 'type="text"' in field[0]


@pytest.mark.parametrize(
    ("typed", "value"), [("２．５", "2.5"), (" 3 ", "3"), ("-1", "-1"), ("+7", "7"), (4, "4"), (0.5, "0.5")]
)
def test_plain_numbers_are_read(typed, value, at):
    leaf = {"kind": "profile.attribute", "name": "x", "test": {"type": "number", "op": "eq", "value": typed}}
    assert words(leaf) == f"x exactly {value}"


LONG_AGO = {"op": "more_than_ago", "amount": 7, "unit": "days"}


def test_long_ago_says_that_never_is_not_included(at):
    lately, once, _never = (factories.make_member(at=at) for _ in range(3))
    factories.make_event(member=lately, at=at, name="read")
    factories.make_event(member=once, at=at - timedelta(days=30), name="read")
    active = {"kind": "lifecycle.last_active", "when": LONG_AGO}
    assert found(active, at) == {once.pk}
    assert words(active) == "Last active more than 7 days ago (not those who were never active)"
    assert words(active, "zh-hans").endswith("（不含从未活跃的会员）")
    did = {"kind": "event.last", "event": "read", "when": LONG_AGO}
    assert found(did, at) == {once.pk}
    assert "more than 7 days ago (not those who never did)" in words(did)
    before = {"kind": "profile.registered", "when": {"op": "before", "date": "2026-01-01"}}
    assert words(before) == "Registered before 2026-01-01 (not those for whom it is not known)"
    assert words({**active, "when": WEEK}) == "Last active within the last 7 days"
    assert words({**active, "when": {"op": "unknown"}}) == "was never active"


@pytest.mark.parametrize(
    "leaf",
    [
        {"kind": "profile.attribute", "name": "likes", "test": {"type": "text", "op": "is", "values": ["a"]}},
        {"kind": "event.never", "event": "*", "where": [{"name": "x", "test": {"type": "boolean", "value": True}}]},
    ],
    ids=lambda leaf: leaf["kind"],
)
def test_the_builder_says_how_a_list_is_read(leaf, at, operator_client):
    said = "Of a list one value that passes is enough"
    assert said in builder_page(operator_client, leaf)
    assert said not in builder_page(operator_client, {"kind": "lifecycle.last_active", "when": WEEK})


def builder_page(client, *leaves):
    draft = {"include": {"kind": "all", "items": leaves}, "exclude": {"kind": "not", "items": []}}
    sent = {"draft": json.dumps(draft), "undo": "[]", "base_version": ""}
    return client.post("/console/segments/new/", sent).content.decode()
