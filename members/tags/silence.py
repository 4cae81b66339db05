"""What a rule can say while nobody reports some of its events: the silence of a feed says nothing of members."""

from members.events.models import EventDefinition
from members.segments.conditions.events import ANY_EVENT
from members.segments.registry import Condition
from members.segments.schema import Node, Rule, leaves


def unreported(rule: Rule) -> frozenset[str]:
    """The events no source has reported of anybody, by whose absence the rule would judge."""
    asked = {name for _path, leaf in leaves(rule) if leaf.holds_of_absence() for name in leaf.event_names()}
    reported = set(EventDefinition.objects.reported().filter(name__in=asked).values_list("name", flat=True))
    if ANY_EVENT in asked and EventDefinition.objects.reported().exists():
        reported.add(ANY_EVENT)
    return frozenset(asked - reported)


def without(rule: Rule, events: frozenset[str]) -> Rule | None:
    """The rule without the conditions that would hold of everybody because nobody reports their event.

    All of a group need to hold, so it goes with one of them; of alternatives the others stay. None when nothing can be
    said at all. What stands under "not" holds of fewer members by it, and stays.
    """
    root = _known(rule.root, events)
    return None if root is None else rule.model_copy(update={"root": root})


def _known(node: Node, events: frozenset[str]) -> Node | None:
    if isinstance(node, Condition):
        return None if node.holds_of_absence() and node.event_names() & events else node
    if node.kind == "not":
        return node
    known = [item for item in (_known(item, events) for item in node.items) if item is not None]
    if not known or (node.kind == "all" and len(known) < len(node.items)):
        return None
    return node.model_copy(update={"items": known})
