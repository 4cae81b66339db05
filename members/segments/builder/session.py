"""What the builder's form carries from one step to the next: the draft, those before it, the version it began from."""

import json
from dataclasses import dataclass, field

from django.http import QueryDict

from members.models import Segment, Tag
from members.segments.builder.draft import Draft, DraftBroken
from members.segments.schema import RuleInvalid, read_rule_text

MAX_UNDO = 20
MAX_CHARS = 400_000


@dataclass
class Session:
    """A rule being written. ``undo`` holds earlier drafts, the latest last."""

    draft: Draft
    base_version: int | None = None
    undo: list[str] = field(default_factory=list)
    json_error: str = ""

    @classmethod
    def begin(cls, thing: Segment | Tag | None) -> "Session":
        if thing is None:
            return cls(Draft())
        return cls(Draft.of_rule(thing.rule) if thing.rule else Draft(), thing.rule_version)

    @classmethod
    def go_on(cls, data: QueryDict) -> "Session":
        """Take what the form sent, make the step it names. Raises DraftBroken."""
        sent, version = data.get("draft", ""), data.get("base_version", "")
        session = cls(Draft.of_text(sent), int(version) if version.isdecimal() else None, _earlier(data))
        session.draft.fill(data)
        step = data.get("do", "")
        if step == "undo" and session.undo:
            session.draft = Draft.of_text(session.undo.pop())
            return session
        if step == "json":
            session._take_json(data.get("json", ""))
        elif step not in ("", "save", "undo"):
            session.draft.apply(step)
        if session.draft.as_text() != sent:
            session.undo = [*session.undo, sent][-MAX_UNDO:]
        return session

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
