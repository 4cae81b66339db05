"""A rule while it is being written: whom it takes, whom it leaves out, and the steps that change it.

A draft is plain JSON of the rule's shape that may still be incomplete. It has two groups: ``include`` (path ``0``) and
``exclude`` (path ``1``); the rule that is saved is ``all`` of the first and ``not`` any of the second.
"""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from config.engine.ids import read_number
from members.segments.console.builder.inputs import first_value, read
from members.segments.registry import CONDITIONS, Condition, code_of
from members.segments.schema import MAX_DEPTH, MAX_NODES, VERSION, Path

GROUPS = ("all", "any", "not")
Json = dict[str, Any]


class DraftBroken(ValueError):
    """What was sent is no draft: never the work of the builder's own page."""


def _empty(kind: str = "all") -> Json:
    return {"kind": kind, "items": []}


@dataclass
class Draft:
    """The two groups of a rule being written."""

    include: Json = field(default_factory=_empty)
    exclude: Json = field(default_factory=lambda: _empty("not"))

    @classmethod
    def of_rule(cls, rule: Any) -> "Draft":
        """The draft of a saved rule (its JSON)."""
        root = deepcopy(rule["root"])
        if root["kind"] == "not":
            return cls(exclude=root)
        if root["kind"] == "any":
            return cls(include=root)
        items = root["items"]
        exclude = items.pop() if items[-1]["kind"] == "not" else _empty("not")
        is_any_alone = len(items) == 1 and items[0]["kind"] == "any"
        return cls(include=items[0] if is_any_alone else {"kind": "all", "items": items}, exclude=exclude)

    @classmethod
    def of_text(cls, text: str) -> "Draft":
        """The draft that ``as_text`` wrote. Raises DraftBroken."""
        try:
            data = json.loads(text)
            draft = cls(include=data["include"], exclude=data["exclude"])
            draft._check()
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DraftBroken from error
        return draft

    def as_text(self) -> str:
        return json.dumps({"include": self.include, "exclude": self.exclude}, ensure_ascii=False)

    @property
    def is_empty(self) -> bool:
        return not self.include["items"] and not self.exclude["items"]

    def rule(self) -> Json:
        """The rule's JSON; a draft without any condition gives one that the schema refuses."""
        if not self.include["items"] and self.exclude["items"]:
            return {"version": VERSION, "root": self.exclude}
        if not self.exclude["items"]:
            return {"version": VERSION, "root": self.include}
        taken = self.include["items"] if self.include["kind"] == "all" else [self.include]
        return {"version": VERSION, "root": {"kind": "all", "items": [*taken, self.exclude]}}

    def place_of(self, path: Path) -> Path:
        """Where a path of ``rule()`` lies in the draft."""
        if not self.include["items"] and self.exclude["items"]:
            return (1, *path)
        if not self.exclude["items"] or not path:
            return (0, *path)
        taken = len(self.include["items"]) if self.include["kind"] == "all" else 1
        if path[0] >= taken:
            return (1, *path[1:])
        return (0, *path) if self.include["kind"] == "all" else (0, *path[1:])

    def fill(self, data: QueryDict) -> None:
        """Take over what the form's inputs say about each condition."""
        kinds = CONDITIONS
        for path, node in self.nodes():
            condition = kinds.get(node["kind"])
            name = input_name(path)
            if condition is None or f"{name}.kind" not in data:
                continue
            for known in condition.fields:
                node[known.name] = read(known, condition, node, data, name)

    def apply(self, step: str) -> Path | None:
        """Make one step, as a button names it: a verb, the path it is about, and what it needs.

        Returns where the condition or group it made or moved now lies. Raises DraftBroken.
        """
        verb, _, rest = step.partition(" ")
        place, _, argument = rest.partition(" ")
        if verb not in STEPS:
            raise DraftBroken(step)
        path = read_path(place)
        try:
            place_now = STEPS[verb](self, path, argument)
        except (IndexError, KeyError, TypeError, StopIteration) as error:
            raise DraftBroken(step) from error
        self._check()
        return place_now

    def nodes(self) -> list[tuple[Path, Json]]:
        """Every group and condition with its path, in reading order."""
        found: list[tuple[Path, Json]] = []

        def walk(path: Path, node: Json) -> None:
            found.append((path, node))
            for index, item in enumerate(node["items"] if node["kind"] in GROUPS else ()):
                walk((*path, index), item)

        walk((0,), self.include)
        walk((1,), self.exclude)
        return found

    def node(self, path: Path) -> Json:
        node = (self.include, self.exclude)[path[0]]
        for index in path[1:]:
            node = node["items"][index]
        return node

    def add(self, path: Path, kind: str) -> Path:
        return self._append(path, new_condition(CONDITIONS[kind]))

    def group(self, path: Path, argument: str) -> Path:
        # The other way of joining: one that joins alike would say nothing new.
        return self._append(path, _empty("all" if self.node(path)["kind"] == "any" else "any"))

    def paste(self, path: Path, text: str) -> Path:
        """Add the condition that ``as_text`` of another draft's node wrote. Raises DraftBroken."""
        try:
            node = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DraftBroken from error
        try:
            found = self._append(path, node)
        except (IndexError, KeyError, TypeError) as error:
            raise DraftBroken from error
        self._check()
        return found

    def mode(self, path: Path, kind: str) -> None:
        if path == (1,) or kind not in ("all", "any"):
            raise KeyError(kind)
        self.node(path)["kind"] = kind

    def remove(self, path: Path, argument: str) -> None:
        if len(path) == 1:
            self.node(path)["items"].clear()
        else:
            del self._items(path[:-1])[path[-1]]

    def copy(self, path: Path, argument: str) -> Path:
        items = self._items(path[:-1])
        items.insert(path[-1] + 1, deepcopy(items[path[-1]]))
        return (*path[:-1], path[-1] + 1)

    def move(self, path: Path, argument: str) -> Path:
        items = self._items(path[:-1])
        target = path[-1] + (1 if argument == "down" else -1)
        if not 0 <= target < len(items):
            return path
        items.insert(target, items.pop(path[-1]))
        return (*path[:-1], target)

    def swap(self, path: Path, argument: str) -> Path:
        """From those taken to those left out, or back."""
        node = self._items(path[:-1]).pop(path[-1])
        return self._append((0,) if path[0] else (1,), node)

    def where(self, path: Path, argument: str) -> Path:
        """One more filter on the event's properties."""
        test = {"type": "text", "op": "is", "values": []}
        self.node(path).setdefault("where", []).append({"name": argument, "test": test})
        return path

    def _append(self, path: Path, node: Json) -> Path:
        items = self._items(path)
        items.append(node)
        return (*path, len(items) - 1)

    def _items(self, path: Path) -> list[Json]:
        if not path:
            raise IndexError("the two groups stay")
        items: list[Json] = self.node(path)["items"]
        return items

    def _check(self) -> None:
        """Refuse what no builder makes before anything recursive looks at it."""
        queue: list[tuple[int, Any]] = [(1, self.include), (1, self.exclude)]
        seen = 0
        while queue:
            depth, node = queue.pop()
            seen += 1
            is_group = isinstance(node, dict) and node.get("kind") in GROUPS
            if not isinstance(node, dict) or not isinstance(node.get("kind"), str) or seen > MAX_NODES + 2:
                raise DraftBroken
            if is_group and (not isinstance(node.get("items"), list) or depth > MAX_DEPTH):
                raise DraftBroken
            queue += [(depth + 1, item) for item in node["items"]] if is_group else []


STEPS = {
    "add": Draft.add,
    "group": Draft.group,
    "mode": Draft.mode,
    "remove": Draft.remove,
    "copy": Draft.copy,
    "move": Draft.move,
    "swap": Draft.swap,
    "where": Draft.where,
}


def read_path(place: str) -> Path:
    """The path that a form names as ``0.2.1``. Raises DraftBroken."""
    found = [read_number(part, most=MAX_NODES) for part in place.split(".")]
    path = tuple(index for index in found if index is not None)
    if len(path) < len(found):
        raise DraftBroken(place)
    return path


def new_condition(condition: type[Condition]) -> Json:
    """A condition just added, with sensible values where there are any."""
    values = {known.name: first_value(known, condition) for known in condition.fields}
    return {"kind": code_of(condition), **values}


def input_name(path: Path) -> str:
    """What the inputs of the condition at ``path`` begin with."""
    return "c" + "-".join(map(str, path))
