"""What the builder shows: the draft as cards that read as sentences, and what the rule comes to beside them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from members.people.models import Member
from members.segments.console.builder.draft import GROUPS, Draft, Json, input_name
from members.segments.console.builder.inputs import Input, input_of
from members.segments.explaining import Explained, explain
from members.segments.limits import TooSlow
from members.segments.models import Segment
from members.segments.preview import Detail, Measure, Preview, detail, measure, preview_change
from members.segments.reach import REACHES, Reach
from members.segments.registry import CONDITIONS, Condition, by_group, code_of
from members.segments.schema import Path, Rule, RuleError, RuleInvalid, check_catalogues, read_rule
from members.segments.timing import written


@dataclass(frozen=True)
class Card:
    """One condition of the draft; ``sentence`` is empty while it is incomplete."""

    path: str
    name: str
    kind: str
    label: Any
    sentence: str
    inputs: Sequence[Input]
    errors: Sequence[str]
    is_first: bool
    is_last: bool
    as_json: str
    is_group: bool = False


@dataclass(frozen=True)
class Block:
    """A group with its cards and the groups inside it, in order."""

    path: str
    mode: str
    items: Sequence["Card | Block"]
    errors: Sequence[str]
    is_top: bool
    name: str
    is_group: bool = True


@dataclass(frozen=True)
class Part:
    """How many are left after one step of the narrowing."""

    label: str
    count: int
    share: float


@dataclass(frozen=True)
class Line:
    """One node of an explanation: indented by ``depth``, with the facts behind it."""

    depth: int
    holds: bool
    text: str
    note: str


class Builder:
    """Reads and measures each part once, when the page asks for it.

    Without ``in_detail`` only the first figures are measured; the page asks for the others when it stands.
    """

    def __init__(
        self, draft: Draft, *, at: datetime, segment: Segment | None = None, who: str = "", in_detail: bool = False
    ) -> None:
        self.draft, self.at, self.segment, self.who, self.in_detail = draft, at, segment, who.strip(), in_detail

    @property
    def rule_text(self) -> str:
        """The rule as experts edit it."""
        return json.dumps(self.draft.rule(), ensure_ascii=False, indent=2)

    @cached_property
    def read(self) -> tuple[Rule | None, list[RuleError]]:
        """The rule when it is whole, and what is wrong with it, at paths of the draft."""
        try:
            rule = read_rule(self.draft.rule())
            check_catalogues(rule)
        except RuleInvalid as invalid:
            return None, [RuleError(self.draft.place_of(e.path), e.field, e.message) for e in invalid.errors]
        return rule, []

    @property
    def rule(self) -> Rule | None:
        return self.read[0]

    @property
    def errors(self) -> list[RuleError]:
        # An empty draft is no mistake yet.
        return [] if self.draft.is_empty else self.read[1]

    @cached_property
    def include(self) -> Block:
        return self._block((0,), self.draft.include)

    @cached_property
    def exclude(self) -> Block:
        return self._block((1,), self.draft.exclude)

    @cached_property
    def menu(self) -> list[tuple[Any, list[dict[str, Any]]]]:
        """The conditions one can add, by group."""
        return [
            (group, [{"kind": code_of(condition), "label": condition.label} for condition in found])
            for group, found in by_group().items()
        ]

    @cached_property
    def measured(self) -> Measure | None:
        """What the rule comes to; None while it is incomplete or when it takes too long."""
        if self.rule is None:
            return None
        try:
            return measure(self.rule, at=self.at)
        except TooSlow:
            return None

    @property
    def is_too_slow(self) -> bool:
        return self.rule is not None and self.measured is None

    @cached_property
    def share(self) -> float:
        everybody = Member.objects.count()
        return self.measured.total / everybody if self.measured and everybody else 0.0

    @property
    def reaches(self) -> tuple[Reach, ...]:
        """The channels members are counted by, for as long as they are not."""
        return REACHES.all()

    @cached_property
    def detail(self) -> Detail | None:
        """How its members are reached and come about; None unless asked for, or when it takes too long."""
        if self.rule is None or not self.in_detail:
            return None
        try:
            return detail(self.rule, at=self.at)
        except TooSlow:
            return None

    @cached_property
    def narrowing(self) -> list[Part]:
        """The counts after each condition, each under its own words."""
        if self.detail is None or self.rule is None or len(self.detail.narrowing) < 2:
            return []
        most = max((step.count for step in self.detail.narrowing), default=0) or 1
        items = self.rule.root.items
        return [Part(_words(items[step.path[0]]), step.count, step.count / most) for step in self.detail.narrowing]

    @cached_property
    def sample(self) -> list[Member]:
        ids = self.measured.sample_ids if self.measured else []
        return list(Member.objects.filter(pk__in=ids).select_related("lifecycle__tier").order_by("-pk"))

    @cached_property
    def preview(self) -> Preview | None:
        """Who would enter and leave the saved segment."""
        if not self.in_detail or self.segment is None or self.rule is None or self.segment.refreshed_at is None:
            return None
        try:
            return preview_change(segment=self.segment, rule=self.rule, at=self.at)
        except TooSlow:
            return None

    @cached_property
    def checked(self) -> Member | None:
        """The member someone asks about."""
        return Member.objects.search(self.who).order_by("pk").first() if self.who else None

    @cached_property
    def answer(self) -> list[Line]:
        """The rule for that member, node by node."""
        if self.checked is None or self.rule is None:
            return []
        return answer_for(self.rule, self.checked, self.at)

    def _block(self, path: Path, group: Json) -> Block:
        items: list[Card | Block] = []
        for index, item in enumerate(group["items"]):
            place = (*path, index)
            if item["kind"] in GROUPS:
                items.append(self._block(place, item))
            else:
                items.append(self._card(place, item, is_last=index == len(group["items"]) - 1))
        return Block(_dotted(path), group["kind"], items, self._errors_at(path), len(path) == 1, input_name(path))

    def _card(self, path: Path, item: Json, *, is_last: bool) -> Card:
        condition = CONDITIONS.get(item["kind"])
        name = input_name(path)
        shown: list[Input] = []
        if condition is not None:
            for known in condition.fields:
                errors = self._errors_at(path, known.name)
                shown.append(input_of(known, condition, item, name, errors))
        placed = {field.name.rpartition(".")[2] for field in shown}
        other = [e.message for e in self.errors if e.path == path and e.field.partition(".")[0] not in placed]
        label = condition.label if condition else item["kind"]
        words = self._sentences.get(path, "")
        as_json = json.dumps(item, ensure_ascii=False)
        return Card(_dotted(path), name, item["kind"], label, words, shown, other, path[-1] == 0, is_last, as_json)

    @cached_property
    def _sentences(self) -> dict[Path, str]:
        """Each complete condition read aloud, also while others are not."""
        known = CONDITIONS
        found = {}
        for path, node in self.draft.nodes():
            if node["kind"] in known:
                found[path] = _read_aloud(known[node["kind"]], node)
        return found

    def _errors_at(self, path: Path, field: str | None = None) -> list[str]:
        if field is None:
            return [e.message for e in self.errors if e.path == path]
        return [e.message for e in self.errors if e.path == path and e.field.partition(".")[0] == field]


def group_words(kind: str) -> str:
    """How a group is read aloud before its items; nothing for a condition."""
    return {"all": _("All of these"), "any": _("Any of these"), "not": _("None of these")}.get(kind, "")


def answer_for(rule: Rule, member: Member, at: datetime) -> list[Line]:
    """The rule for one member, node by node; one line that says so when it takes too long."""
    try:
        return lines_of(explain(rule, member_ids=[member.pk], at=at)[member.pk])
    except TooSlow:
        return [Line(0, False, _("Counting takes too long. Narrow the rule, or shorten its time."), "")]


def lines_of(node: Explained, depth: int = 0) -> list[Line]:
    """An explanation as lines, from the root down."""
    facts = " · ".join(f"{fact.label}: {_fact(fact.value)}" for fact in node.facts)
    line = Line(depth, node.holds, node.sentence or group_words(node.kind), facts)
    return [line, *(deeper for child in node.children for deeper in lines_of(child, depth + 1))]


def sentences_of(rule: Any) -> list[Line]:
    """A saved rule (its JSON) read aloud, a line each node."""
    known = CONDITIONS
    lines = []

    def walk(node: Json, depth: int) -> None:
        if node["kind"] in GROUPS:
            lines.append(Line(depth, True, group_words(node["kind"]), ""))
            for item in node["items"]:
                walk(item, depth + 1)
        else:
            words = _read_aloud(known[node["kind"]], node) if node["kind"] in known else node["kind"]
            lines.append(Line(depth, True, words or node["kind"], ""))

    walk(rule["root"], 0)
    return lines


def _read_aloud(condition: type[Condition], node: Json) -> str:
    try:
        return condition.model_validate(node).sentence()
    except ValueError:
        return ""


def _words(node: Any) -> str:
    if isinstance(node, Condition):
        return node.sentence()
    inner = _(" or ") if node.kind in ("any", "not") else _(" and ")
    words = inner.join(_words(item) for item in node.items)
    return _("without: %(words)s") % {"words": words} if node.kind == "not" else words


def _fact(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, datetime):
        return written(value)
    return str(value)


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
