"""The shape of a segment's rule: versioned JSON, groups nested in groups, every leaf a registered condition."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import GenericAlias
from typing import Annotated, Any, ForwardRef, Literal, Union

from django.utils.translation import gettext as _
from pydantic import Discriminator, Field, ValidationError, create_model

from members.counters.wanted import CounterKey
from members.segments.registry import CONDITIONS, Condition, Spec

VERSION = 1
MAX_DEPTH = 6
MAX_NODES = 100
MAX_JSON_CHARS = 200_000

Path = tuple[int, ...]


@dataclass(frozen=True)
class RuleError:
    """What is wrong at one place: ``path`` leads from the root through the groups' items to the condition."""

    path: Path
    field: str
    message: str


class RuleInvalid(Exception):
    """The rule cannot be used; ``errors`` say where and why, in the language in which it was read."""

    def __init__(self, errors: list[RuleError]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{'.'.join(map(str, e.path))} {e.field}: {e.message}" for e in errors))


class Group(Spec):
    """Conditions and groups together; each of the three kinds says how many of them must hold."""

    kind: str
    items: list[Any]


class All(Group):
    kind: Literal["all"]


class AnyOf(Group):
    kind: Literal["any"]


class NoneOf(Group):
    """``not``: none of its items holds."""

    kind: Literal["not"]


class Rule(Spec):
    """A whole rule. Read with ``read_rule``; ``model_dump(mode="json")`` writes it."""

    version: Literal[1]
    root: Any


Node = Group | Condition


def read_rule(data: Any) -> Rule:
    """The rule that JSON-like ``data`` describes. Raises RuleInvalid with every error found."""
    _check_size(data)
    try:
        rule: Rule = _model(CONDITIONS.all()).model_validate(data)
    except ValidationError as error:
        raise RuleInvalid([_readable(found, data) for found in error.errors()]) from None
    return rule


def read_rule_text(text: str) -> Rule:
    """The rule written as JSON text, as experts edit it. Raises RuleInvalid."""
    if len(text) > MAX_JSON_CHARS:
        raise RuleInvalid([RuleError((), "", _("The text is too long."))])
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise RuleInvalid([RuleError((), "", _("This is not readable JSON."))]) from None
    return read_rule(data)


def check_catalogues(rule: Rule) -> None:
    """Raise RuleInvalid for events, plans, segments and other values that do not exist."""
    errors = [RuleError(path, field, message) for path, leaf in leaves(rule) for field, message in leaf.faults()]
    if errors:
        raise RuleInvalid(errors)


def nodes(rule: Rule) -> Iterator[tuple[Path, Node]]:
    """Every group and condition with its path, from the root down, in reading order."""

    def walk(path: Path, node: Node) -> Iterator[tuple[Path, Node]]:
        yield path, node
        if isinstance(node, Group):
            for index, item in enumerate(node.items):
                yield from walk((*path, index), item)

    return walk((), rule.root)


def leaves(rule: Rule) -> Iterator[tuple[Path, Condition]]:
    """Every condition with its path."""
    return ((path, node) for path, node in nodes(rule) if isinstance(node, Condition))


def segment_ids(rule: Rule) -> frozenset[int]:
    """The other segments the rule reads."""
    return frozenset().union(*(leaf.segment_ids() for _path, leaf in leaves(rule)))


def counters(rule: Rule) -> frozenset[CounterKey]:
    """The rolling counters the rule can read."""
    return frozenset().union(*(leaf.counters() for _path, leaf in leaves(rule)))


def json_schema() -> dict[str, Any]:
    """JSON Schema of rules with the conditions registered now."""
    return _model(CONDITIONS.all()).model_json_schema()


@lru_cache(maxsize=4)
def _model(registered: tuple[type[Condition], ...]) -> type[Rule]:
    items: Any = (GenericAlias(list, (ForwardRef("RegisteredNode"),)), Field(min_length=1, max_length=MAX_NODES))
    # The union is made of what is registered now, so each generation has groups of its own.
    groups = tuple(create_model(base.__name__, __base__=base, items=items) for base in (All, AnyOf, NoneOf))
    node = Annotated[Union[groups + registered], Discriminator("kind")]  # type: ignore[valid-type]  # noqa: UP007
    for group in groups:
        group.model_rebuild(force=True, _types_namespace={"RegisteredNode": node})
    root = Annotated[Union[groups], Discriminator("kind")]  # type: ignore[valid-type]  # noqa: UP007
    return create_model("Rule", __base__=Rule, root=(root, ...))


def _check_size(data: Any) -> None:
    """Refuse trees that are too deep or too large before anything recursive looks at them."""
    queue: list[tuple[Path, Any]] = [((), data.get("root"))] if isinstance(data, dict) else []
    seen = 0
    while queue:
        path, node = queue.pop()
        seen += 1
        if seen > MAX_NODES:
            raise RuleInvalid([RuleError((), "", _("A rule has at most %(n)s conditions.") % {"n": MAX_NODES})])
        items = node.get("items") if isinstance(node, dict) else None
        if not isinstance(items, list):
            continue
        if len(path) >= MAX_DEPTH:
            raise RuleInvalid([RuleError(path, "", _("Groups nest at most %(n)s deep.") % {"n": MAX_DEPTH})])
        queue += [((*path, index), item) for index, item in enumerate(items)]


def _readable(found: Any, data: Any) -> RuleError:
    """A pydantic error at the path and field a builder knows, in the reader's language."""
    path: list[int] = []
    place = list(found["loc"])
    node = data.get("root") if isinstance(data, dict) else None
    if place[:1] == ["root"]:
        place = place[1:]
        # Behind a group or condition stands the kind the union chose by.
        while place and isinstance(node, dict) and place[0] == node.get("kind"):
            place = place[1:]
            if place[:1] != ["items"] or len(place) < 2:
                break
            path.append(place[1])
            node, place = node["items"][place[1]], place[2:]
    return RuleError(tuple(path), ".".join(map(str, place)), _message(found))


def _message(found: Any) -> str:
    limits = found.get("ctx", {})
    # Built at each call: the texts are in the reader's language.
    known = {
        "missing": _("This is needed."),
        "extra_forbidden": _("There is no such field."),
        "union_tag_invalid": _("There is no such kind of condition."),
        "union_tag_not_found": _("Choose a kind of condition."),
        "too_short": _("Name at least one."),
        "too_long": _("At most %(n)s.") % {"n": limits.get("max_length")},
        "string_too_short": _("This is needed."),
        "string_too_long": _("At most %(n)s characters.") % {"n": limits.get("max_length")},
        "greater_than_equal": _("At least %(n)s.") % {"n": limits.get("ge")},
        "less_than_equal": _("At most %(n)s.") % {"n": limits.get("le")},
        "decimal_max_places": _("At most %(n)s decimals.") % {"n": limits.get("decimal_places")},
        "timezone_aware": _("Give the time zone of this instant."),
        "value_error": str(limits.get("error", "")),
    }
    return known.get(found["type"]) or _("This value does not fit.")
