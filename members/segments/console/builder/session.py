"""What the builder's form carries from one step to the next: the draft, those before it, the version it began from."""

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.http import QueryDict

from config.engine.ids import read_number
from members.segments.console.builder.draft import Draft, DraftBroken, input_name, read_path
from members.segments.registry import CONDITIONS
from members.segments.schema import RuleInvalid, read_rule_text

MAX_UNDO = 20
MAX_CHARS = 400_000
MAX_KEPT = 20_000
# The step that changes nothing and asks for the figures that take longer.
DETAIL = "detail"


class HasRule(Protocol):
    """A segment or a tag: something with a rule and the number of its version."""

    rule: Any
    rule_version: int


@dataclass
class Session:
    """A rule being written. ``undo`` holds earlier drafts, the latest last.

    ``clipboard`` is a condition copied in this or another builder (its JSON), ``focus`` the element that the step made.
    """

    draft: Draft
    base_version: int | None = None
    undo: list[str] = field(default_factory=list)
    json_error: str = ""
    clipboard: str = ""
    focus: str = ""

    @classmethod
    def begin(cls, thing: HasRule | None, clipboard: str = "") -> "Session":
        if thing is None:
            return cls(Draft(), clipboard=clipboard)
        return cls(Draft.of_rule(thing.rule) if thing.rule else Draft(), thing.rule_version, clipboard=clipboard)

    @classmethod
    def go_on(cls, data: QueryDict, clipboard: str = "") -> "Session":
        """Take what the form sent, make the step it names. Raises DraftBroken."""
        sent, version = data.get("draft", ""), data.get("base_version", "")
        session = cls(Draft.of_text(sent), read_number(version, most=10**9), _earlier(data), clipboard=clipboard)
        session.draft.fill(data)
        step = data.get("do", "")
        if step == "undo" and session.undo:
            session.draft = Draft.of_text(session.undo.pop())
            return session
        session._make(step, data)
        if session.draft.as_text() != sent:
            session.undo = [*session.undo, sent][-MAX_UNDO:]
        return session

    @property
    def clipboard_label(self) -> str:
        """What the copied condition is called; empty when there is none, or nobody knows its kind any more."""
        kind = json.loads(self.clipboard)["kind"] if self.clipboard else ""
        known = CONDITIONS.get(kind)
        return str(known.label) if known else ""

    def _make(self, step: str, data: QueryDict) -> None:
        verb, _, place = step.partition(" ")
        if step == "json":
            self._take_json(data.get("json", ""))
        elif verb == "keep":
            self._keep(place)
        elif verb == "paste":
            self.focus = input_name(self.draft.paste(read_path(place), self.clipboard))
        elif step not in ("", "save", "undo", DETAIL) and (made := self.draft.apply(step)):
            self.focus = input_name(made)

    def _keep(self, place: str) -> None:
        try:
            text = json.dumps(self.draft.node(read_path(place)), ensure_ascii=False)
        except (IndexError, KeyError, TypeError) as error:
            raise DraftBroken(place) from error
        if len(text) <= MAX_KEPT:
            self.clipboard = text

    @property
    def undo_text(self) -> str:
        """The earlier drafts, for the form to carry; the oldest go first when they grow too long."""
        kept = list(self.undo)
        while kept and sum(map(len, kept)) > MAX_CHARS:
            kept.pop(0)
        return json.dumps(kept, ensure_ascii=False)

    def _take_json(self, text: str) -> None:
        try:
            rule = read_rule_text(text)
        except RuleInvalid as invalid:
            self.json_error = "; ".join(
                f"{'.'.join(map(str, e.path))} {e.field} {e.message}".strip() for e in invalid.errors
            )
        else:
            self.draft = Draft.of_rule(rule.model_dump(mode="json"))


def _earlier(data: QueryDict) -> list[str]:
    try:
        found = json.loads(data.get("undo", "[]"))
    except (ValueError, RecursionError) as error:
        raise DraftBroken from error
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise DraftBroken
    return found
