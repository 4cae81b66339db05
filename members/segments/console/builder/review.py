"""What saving a segment that is in live use would do, to be seen and confirmed first."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from members.people.models import Member
from members.segments.limits import TooSlow
from members.segments.models import Segment
from members.segments.preview import Preview, preview_change
from members.segments.references import live_uses_of
from members.segments.schema import Rule, RuleInvalid, read_rule


class Review:
    """A changed rule against what uses the segment now; each part is read once."""

    def __init__(self, segment: Segment, rule: Rule, *, at: datetime) -> None:
        self.segment, self.at = segment, at
        self.rule, self.written = rule, rule.model_dump(mode="json")

    @property
    def is_needed(self) -> bool:
        return self.segment.rule != self.written and bool(self.uses)

    @property
    def digest(self) -> str:
        """Names exactly this rule, so that a confirmation holds for what was shown."""
        return hashlib.sha256(json.dumps(self.written, sort_keys=True).encode()).hexdigest()

    @cached_property
    def uses(self) -> list[Any]:
        return live_uses_of(self.segment.pk)

    @cached_property
    def preview(self) -> Preview | None:
        """Who would enter and leave; None when counting takes too long."""
        try:
            return preview_change(segment=self.segment, rule=self.rule, at=self.at)
        except TooSlow:
            return None

    @cached_property
    def entering(self) -> list[Member]:
        return _members(self.preview.entering_ids) if self.preview else []

    @cached_property
    def leaving(self) -> list[Member]:
        return _members(self.preview.leaving_ids) if self.preview else []

    @property
    def entering_rule(self) -> Rule | None:
        """The members whom saving would bring in; None where the rule is too large to be part of another."""
        return _rule([self._is_in("is_not"), self.written["root"]])

    @property
    def leaving_rule(self) -> Rule | None:
        return _rule([self._is_in("is"), {"kind": "not", "items": [self.written["root"]]}])

    def _is_in(self, op: str) -> dict[str, Any]:
        return {"kind": "segment.member", "op": op, "segment": self.segment.pk}


def _rule(items: list[Any]) -> Rule | None:
    try:
        return read_rule({"version": 1, "root": {"kind": "all", "items": items}})
    except RuleInvalid:
        return None


def _members(ids: Sequence[int]) -> list[Member]:
    return list(Member.objects.filter(pk__in=ids).select_related("lifecycle__tier").order_by("-pk"))
