"""Why a member is in a segment or not: the rule with each node's truth and the facts behind every condition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Case, Value, When

from members.people.models import Member
from members.segments.compiler import condition_of
from members.segments.limits import SECONDS, reading
from members.segments.registry import Condition, Context, Fact
from members.segments.schema import Node, Path, Rule, nodes


@dataclass(frozen=True)
class Explained:
    """One node of the rule for one member. A group has ``children``, a condition ``sentence`` and ``facts``."""

    path: Path
    kind: str
    holds: bool
    sentence: str
    facts: Sequence[Fact]
    children: Sequence["Explained"]


def explain(rule: Rule, *, member_ids: Sequence[int], at: datetime, seconds: float = SECONDS) -> dict[int, Explained]:
    """The rule's tree for each of a few members; the truths come from the compiled SQL itself, in one query.

    Members that do not exist are left out. Raises TooSlow.
    """
    # Few members are asked about, so each one's own rows are read.
    context = Context(at=at, is_narrowed=True)
    known = list(nodes(rule))
    truths = [_truth(node, context) for _path, node in known]
    with reading(seconds):
        rows = Member.objects.filter(pk__in=member_ids).order_by("pk").values_list("pk", *truths)
        holds = {pk: dict(zip((path for path, _ in known), found, strict=True)) for pk, *found in rows}
        evidence = {path: node.evidence(list(holds), context) for path, node in known if isinstance(node, Condition)}

    def tree(pk: int, path: Path, node: Node) -> Explained:
        truth = holds[pk][path]
        if isinstance(node, Condition):
            return Explained(path, node.kind, truth, node.sentence(), evidence[path].get(pk, ()), ())
        children = [tree(pk, (*path, index), item) for index, item in enumerate(node.items)]
        return Explained(path, node.kind, truth, "", (), children)

    return {pk: tree(pk, (), rule.root) for pk in holds}


def _truth(node: Node, context: Context) -> Case:
    return Case(When(condition_of(node, context), then=Value(True)), default=False, output_field=BooleanField())
