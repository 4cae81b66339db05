"""From a rule to set-based SQL: tree → ``Q`` → members. The one compiler there is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q, QuerySet

from members.counters.wanted import CounterKey
from members.people.models import Member
from members.people.querysets.people import MemberQuerySet
from members.segments.expressions import complement
from members.segments.registry import Condition, Context
from members.segments.schema import Group, Node, Rule

# Looking up one member's events takes some 20 µs, all events of a month at ten million half a second.
FEW = 20_000


def members_of(rule: Rule, at: datetime) -> MemberQuerySet:
    """The members for whom the rule holds at ``at``. Lazy; each member once."""
    return members_where(rule.root, Context(at=at))


def ids_of(rule: Rule, at: datetime, counters: Mapping[CounterKey, int] | None = None) -> QuerySet:
    """The ids of ``members_of``, one column: to count and to compare, where members themselves are not looked at.

    ``counters`` come from ``bring_up`` at the same instant, in the same transaction.
    """
    context = Context(at=at, counters=counters or {})
    found = _alone(rule, context)
    return members_where(rule.root, context).order_by().values("pk") if found is None else found


def newest_of(rule: Rule, at: datetime, count: int) -> list[int]:
    """The ids of the newest members of ``members_of``: what an index gives without sorting everybody."""
    context = Context(at=at)
    found = _alone(rule, context)
    if found is None:
        return list(members_where(rule.root, context).order_by("-pk").values_list("pk", flat=True)[:count])
    return list(found.order_by("-member_id").values_list("member_id", flat=True)[:count])


def _alone(rule: Rule, context: Context) -> QuerySet | None:
    """Of a rule of one condition the rows that say who, where it has such: all the member table adds is who was merged.

    Those are few, and what the log says of them stays: they are sifted out here for every condition.
    """
    items = rule.root.items
    if len(items) != 1 or rule.root.kind == "not" or not isinstance(items[0], Condition):
        return None
    found = items[0].member_ids(context)
    return None if found is None else found.exclude(member_id__in=Member.every.merged().order_by().values("pk"))


def members_where(node: Node, context: Context) -> MemberQuerySet:
    """The members for whom one node of a rule holds."""
    return Member.objects.filter(condition_of(node, context))


def condition_of(node: Node, context: Context) -> Q:
    """The node as a ``Q``. Unknown never satisfies it, and ``not`` is the exact complement."""
    if isinstance(node, Condition):
        return node.compile(context)
    parts = [condition_of(item, inner) for item, inner in _with_neighbours(node, context)]
    if node.kind == "all":
        return _and(parts)
    if node.kind == "any":
        found = parts[0]
        for part in parts[1:]:
            found = found | part
        return found
    # None of them, one by one: each bare NOT EXISTS becomes an anti-join.
    return _and([complement(part) for part in parts])


def _and(parts: list[Q]) -> Q:
    found = parts[0]
    for part in parts[1:]:
        found = found & part
    return found


def _with_neighbours(group: Group, context: Context) -> list[tuple[Node, Context]]:
    """The group's items, each told whether its neighbours leave few members to look at."""
    if group.kind != "all":
        return [(item, context) for item in group.items]
    narrowing = [item for item in group.items if isinstance(item, Condition) and item.narrows]
    others = len(narrowing) < len(group.items)
    inner = replace(context, is_narrowed=context.is_narrowed or (others and _leave_few(narrowing, context)))
    return [(item, context if item in narrowing else inner) for item in group.items]


def _leave_few(narrowing: Sequence[Condition], context: Context) -> bool:
    """Whether the planner expects these conditions together to leave few enough to look up each by herself."""
    if not narrowing:
        return False
    members = Member.objects.filter(_and([leaf.compile(context) for leaf in narrowing])).order_by().values("pk")
    # No plan at all: the ORM saw that nobody is left.
    plan = members.explain(format="json")
    return not plan or json.loads(plan)[0]["Plan"]["Plan Rows"] <= FEW
