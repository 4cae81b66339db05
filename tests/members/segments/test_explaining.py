"""Why somebody is in or out: each node's truth is the compiled one, each condition gives its facts."""

import pytest
from django.utils import translation
from hypothesis import HealthCheck, Phase, given, settings

from members.segments import explaining
from members.segments.compiler import members_where
from members.segments.registry import Context
from members.segments.schema import nodes, read_rule
from tests.members.segments import evaluator, generator
from tests.members.segments.population import AT


def rule(*items):
    return read_rule({"version": 1, "root": {"kind": "any", "items": list(items)}})


def flat(node):
    yield node.path, node
    for child in node.children:
        yield from flat(child)


def test_every_node_is_true_for_whom_it_was_compiled(crowd):
    deep = rule(
        {"kind": "event.count", "event": "opened", "test": {"op": "gte", "value": 2}},
        {"kind": "all", "items": [
            {"kind": "lifecycle.stage", "values": ["growth", "churn"]},
            {"kind": "not", "items": [
                {"kind": "tag.carried", "values": ["gifted"]},
                {"kind": "segment.member", "segment": crowd.segments[0].pk},
            ]},
        ]},
    )  # fmt: skip
    ids = [person.pk for person in crowd.people]
    explained = explaining.explain(deep, member_ids=ids, at=AT)
    by_path = {pk: dict(flat(tree)) for pk, tree in explained.items()}
    assert sorted(by_path) == sorted(ids)
    for path, node in nodes(deep):
        right = set(members_where(node, Context(at=AT)).values_list("pk", flat=True))
        assert 0 < len(right) < len(ids)
        assert {pk for pk in ids if by_path[pk][path].holds} == right
    counted = by_path[ids[0]][0,]
    assert counted.sentence == "“opened” at least 2 times, ever"
    assert str(counted.facts[0].label) == "Times"


def test_who_does_not_exist_is_left_out(db):
    assert explaining.explain(rule({"kind": "membership.auto_renewal", "on": True}), member_ids=[10**9], at=AT) == {}


@pytest.mark.parametrize("kind", sorted(evaluator.LEAVES))
def test_a_condition_gives_facts_and_a_sentence(crowd, kind, django_assert_max_num_queries):
    ids = [person.pk for person in crowd.people][:20]

    @settings(
        max_examples=3, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(leaf=generator.leaf_strategies([crowd.segments[0].pk])[kind])
    def look(leaf):
        condition = rule(leaf).root.items[0]
        with django_assert_max_num_queries(3):
            facts = condition.evidence(ids, Context(at=AT))
        assert facts
        assert set(facts) <= set(ids)
        assert all(str(fact.label) for found in facts.values() for fact in found)
        for language in ("en", "zh-hans"):
            with translation.override(language):
                assert condition.sentence()

    look()
