"""What a rule may look like, and where its errors are put."""

from typing import Literal

import pytest
from django.utils import translation

from members.segments import schema
from members.segments.registry import CONDITIONS, Condition, code_of
from members.segments.schema import RuleInvalid, read_rule, read_rule_text

ON = {"kind": "membership.auto_renewal", "on": True}


def rule(*items, kind="all"):
    return {"version": 1, "root": {"kind": kind, "items": list(items)}}


def errors_of(data):
    with pytest.raises(RuleInvalid) as caught:
        read_rule(data)
    return [(error.path, error.field) for error in caught.value.errors]


def nested(depth):
    node = ON
    for _ in range(depth):
        node = {"kind": "all", "items": [node]}
    return {"version": 1, "root": node}


def test_what_is_written_is_read_again():
    data = rule(ON, {"kind": "not", "items": [{"kind": "tag.carried", "values": ["gifted"]}]})
    again = read_rule(data).model_dump(mode="json")
    assert read_rule(again).model_dump(mode="json") == again


@pytest.mark.parametrize(
    ("data", "path", "field"),
    [
        (rule(ON, {"kind": "any", "items": [ON, {"kind": "tag.carried"}]}), (1, 1), "values"),
        (rule({**ON, "off": 1}), (0,), "off"),
        (rule({"kind": "nonsense"}), (0,), ""),
        (rule({"on": True}), (0,), ""),
        (rule(), (), "items"),
        (rule(ON, {"kind": "any", "items": []}), (1,), "items"),
        (rule({"kind": "tag.carried", "values": ["x" * 201]}), (0,), "values.0"),
        (rule({"kind": "tag.carried", "values": ["x"] * 501}), (0,), "values"),
        (rule({"kind": "tag.carried", "values": ["a\0b"]}), (0,), "values.0"),
        (rule({"kind": "tag.carried", "values": ["\ud800"]}), (0,), "values.0"),
        (rule({"kind": "membership.renewals", "test": {"op": "gte", "value": "NaN"}}), (0,), "test.value"),
        (rule({"kind": "membership.renewals", "test": {"op": "gte", "value": "1e999"}}), (0,), "test.value"),
        (rule({"kind": "membership.renewals", "test": {"op": "between", "value": 1}}), (0,), "test"),
        ({"version": 2, "root": {"kind": "all", "items": [ON]}}, (), "version"),
        ({"version": 1, "root": ON}, (), ""),
        ({"version": 1, "root": {"kind": "all", "items": [ON]}, "more": 1}, (), "more"),
        ([], (), ""),
        (None, (), ""),
    ],
)
def test_an_error_names_the_condition_it_belongs_to(data, path, field):
    assert errors_of(data) == [(path, field)]


def test_every_error_is_told_at_once_in_the_readers_language():
    data = rule({"kind": "tag.carried"}, {"kind": "profile.city"})
    assert errors_of(data) == [((0,), "values"), ((1,), "values")]
    with translation.override("zh-hans"), pytest.raises(RuleInvalid) as caught:
        read_rule(rule({"kind": "tag.carried", "values": []}))
    assert caught.value.errors[0].message


def test_limits_of_depth_and_number():
    assert read_rule(nested(schema.MAX_DEPTH))
    assert errors_of(nested(schema.MAX_DEPTH + 1))[0][0] == (0,) * schema.MAX_DEPTH
    assert read_rule(rule(*[ON] * (schema.MAX_NODES - 1)))
    assert errors_of(rule(*[ON] * schema.MAX_NODES)) == [((), "")]
    # Deep enough to end a recursive reader.
    assert errors_of(nested(50_000))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "1" * 10_000, "x" * 300_000, "null", '"all"'])
def test_text_that_is_no_rule_is_refused(text):
    with pytest.raises(RuleInvalid):
        read_rule_text(text)


@pytest.mark.parametrize(
    ("leaf", "field"),
    [
        ({"kind": "event.never", "event": "unheard"}, "event"),
        ({"kind": "membership.tier", "values": ["nobody"]}, "values"),
        ({"kind": "membership.plan", "values": ["nothing"]}, "values"),
        ({"kind": "segment.member", "segment": 10**9}, "segment"),
        (
            {
                "kind": "event.sequence", "first": {"event": "x"}, "then": {"event": "y"},
                "within": {"amount": 1, "unit": "hours"},
            },
            "first.event",
        ),
    ],
)  # fmt: skip
def test_values_outside_the_catalogues_are_found(db, leaf, field):
    with pytest.raises(RuleInvalid) as caught:
        schema.check_catalogues(read_rule(rule(ON, leaf)))
    assert (caught.value.errors[0].path, caught.value.errors[0].field) == ((1,), field)


def test_the_schema_of_rules_can_be_published():
    assert "event.count" in str(schema.json_schema())


@pytest.mark.parametrize("condition", CONDITIONS.all(), ids=code_of)
def test_each_condition_has_what_a_builder_draws(db, condition):
    assert str(condition.label)
    assert str(condition.group)
    named = {field.name for field in condition.fields}
    assert named == set(condition.model_fields) - {"kind"}
    for field in condition.fields:
        for choice in field.choices() if field.choices else ():
            assert str(choice.label)


def test_a_condition_registered_later_is_in_rules_at_once(lend):
    class Lucky(Condition):
        kind: Literal["test.lucky"]
        label = group = "Lucky"

    lend(CONDITIONS)
    data = rule({"kind": "test.lucky"})
    assert errors_of(data)
    CONDITIONS.register(Lucky)
    assert isinstance(read_rule(data).root.items[0], Lucky)
