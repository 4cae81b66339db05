"""Compiled SQL against the plain evaluator, on random rules over a random crowd."""

import os
from collections.abc import Mapping
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db.models import Q
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from hypothesis import HealthCheck, Phase, given, seed, settings

from members.counters.models import EventCounter
from members.counters.operations import bring_up
from members.counters.wanted import CounterKey
from members.segments.compiler import ids_of, members_of, newest_of
from members.segments.expressions import complement
from members.segments.preview import Measure, measure
from members.segments.registry import CONDITIONS
from members.segments.schema import Rule, counters, read_rule
from members.segments.timing import Relative
from tests.members.segments import evaluator, generator
from tests.members.segments.population import AT, Crowd

SOAK = bool(os.environ.get("MOC_SOAK"))
KINDS = sorted(evaluator.LEAVES)
# Other pickers count coupons, or say a size as it was last refreshed.
COUNTED_AS_THEY_STAND = ("profile.", "membership.", "value.")

# The same examples every time. A failing rule is small enough to read; shrinking it costs minutes.
quick = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "phases": [Phase.generate],
    "report_multiple_bugs": False,
    "suppress_health_check": list(HealthCheck),
}


def compiled(data: dict) -> set[int]:
    """Whom the rule finds: from the events, and the same from rolling counters that moved here from earlier."""
    rule = read_rule(data)
    found = set(members_of(rule, AT).values_list("pk", flat=True))
    assert ids(rule) == found
    assert newest_of(rule, AT, 5) == sorted(found, reverse=True)[:5]
    assert measure(rule, at=AT) == Measure(len(found), sorted(found, reverse=True)[:5])
    keys = counters(rule)
    if keys:
        for at in (AT - timedelta(minutes=1), AT):
            held = bring_up(keys=keys, at=at)
        assert ids(rule, held) == found
        EventCounter.objects.all().delete()
    return found


def ids(rule: Rule, held: Mapping[CounterKey, int] | None = None) -> set[int]:
    """Whom the ids name, each once."""
    named = [pk for row in ids_of(rule, AT, held) for pk in row.values()]
    assert len(named) == len(set(named))
    return set(named)


def expected(data: dict, crowd: Crowd) -> set[int]:
    return {person.pk for person in crowd.people if evaluator.holds(data["root"], person, AT)}


def alone(leaf: dict, kind: str = "all") -> dict:
    return {"version": 1, "root": {"kind": kind, "items": [leaf]}}


def check_leaf(crowd: Crowd, kind: str, examples: int) -> list[set[int]]:
    """Compare one kind of condition by itself, negated and beside another; returns whom each example found."""
    everybody = {person.pk for person in crowd.people}
    seen = []

    @settings(max_examples=examples, **quick)
    @given(leaf=generator.leaf_strategies([segment.pk for segment in crowd.segments])[kind])
    def compare(leaf):
        right = expected(alone(leaf), crowd)
        assert compiled(alone(leaf)) == right, leaf
        assert compiled(alone(leaf, "not")) == everybody - right, leaf
        # Beside a narrowing neighbour the member's own rows are read instead of all.
        beside = {"kind": "lifecycle.state", "values": ["trial", "stable", "expiring"]}
        both = {"version": 1, "root": {"kind": "all", "items": [leaf, beside]}}
        assert compiled(both) == expected(both, crowd), leaf
        seen.append(right)

    compare()
    return seen


def test_generator_and_evaluator_know_every_registered_condition(db):
    registered = sorted(CONDITIONS.codes())
    assert sorted(generator.leaf_strategies([1])) == registered
    assert registered == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_condition_finds_whom_the_evaluator_finds(crowd, kind):
    seen = check_leaf(crowd, kind, examples=200 if SOAK else 30)
    assert any(0 < len(found) < len(crowd.people) for found in seen), "the crowd says nothing about this condition"


@pytest.mark.parametrize("seed_number", range(5) if SOAK else range(1))
def test_random_rules_find_whom_the_evaluator_finds(db, seed_number):
    crowd = Crowd(seed=seed_number)
    everybody = {person.pk for person in crowd.people}

    @seed(seed_number)
    @settings(max_examples=500 if SOAK else 250, **{**quick, "derandomize": False})
    @given(rule=generator.rules([segment.pk for segment in crowd.segments]))
    def compare(rule):
        right = expected(rule, crowd)
        assert compiled(rule) == right
        assert compiled({"version": 1, "root": {"kind": "not", "items": [rule["root"]]}}) == everybody - right

    compare()


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_condition_is_seen(crowd, kind):
    condition = CONDITIONS[kind]
    right = condition.compile
    with (
        patch.object(condition, "compile", lambda self, context: complement(right(self, context))),
        pytest.raises(AssertionError),
    ):
        check_leaf(crowd, kind, examples=3)


def test_pickers_count_whom_the_condition_finds(crowd):
    counted = 0
    for kind in (kind for kind in KINDS if kind.startswith(COUNTED_AS_THEY_STAND)):
        for choice in next((field.choices() for field in CONDITIONS[kind].fields if field.name == "values"), ()):
            if choice.count is not None:
                leaf = {"kind": kind, "op": "is", "values": [choice.value]}
                assert len(compiled(alone(leaf))) == choice.count, leaf
                counted += 1
    assert counted > 20


def test_an_instant_off_at_the_boundary_is_seen(crowd):
    def over(self, instant, zone, context):
        return Q(GreaterThan(instant, context.at - self.length)) & Q(LessThanOrEqual(instant, context.at))

    with patch.object(Relative, "over", over), pytest.raises(AssertionError):
        check_leaf(crowd, "profile.registered", examples=100)
