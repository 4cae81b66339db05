"""One tag as its page shows it, and the tags of one member as hers does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.shortcuts import get_object_or_404

from members.models import Member, MemberTag, Tag, TagSize, TagVersion
from members.naming import in_chinese
from members.segments.builder.page import Line, lines_of, sentences_of
from members.segments.explaining import explain
from members.segments.history import Bar, bars_of
from members.segments.limits import TooSlow
from members.segments.schema import AnyOf, Rule, RuleInvalid, read_rule
from members.segments.usage import Use
from members.tags.generators import read_generator
from members.tags.usage import uses_of

RECENT = 12
WEEK = timedelta(days=7)
VALUES = 50


def by_kind(at: datetime) -> list[tuple[Any, list[Any]]]:
    """Every tag that is no value of another, by kind, with who came and went in the last week."""
    tags = list(Tag.objects.with_week(at - WEEK).filter(parent=None).order_by("pk"))
    return [(kind.label, [tag for tag in tags if tag.kind == kind]) for kind in Tag.Kind]


def action_of(tag: Tag) -> str:
    """What to do about who carries the tag, in the reader's language."""
    return (in_chinese() and tag.action_zh) or tag.action


class TagPortrait:
    """Reads each part once, when the page asks for it."""

    def __init__(self, tag_id: int, *, at: datetime) -> None:
        self.at = at
        rows = Tag.objects.with_week(at - WEEK).select_related("parent", "updated_by", "created_by")
        self.tag: Any = get_object_or_404(rows, pk=tag_id)

    @property
    def source(self) -> Tag:
        """The tag whose rule or values this one comes from."""
        found: Tag = self.tag.parent or self.tag
        return found

    @property
    def action(self) -> str:
        return action_of(self.source)

    @cached_property
    def sentences(self) -> list[Line]:
        if self.source.generator:
            return [Line(0, True, read_generator(self.source.generator).sentence(), "")]
        return sentences_of(self.tag.rule) if self.tag.rule else []

    @cached_property
    def values(self) -> list[Tag]:
        """The values that somebody carries, the most frequent first."""
        found = Tag.objects.with_week(self.at - WEEK).filter(parent=self.tag, size__gt=0)
        return list(found.order_by("-size", "name")[:VALUES])

    @cached_property
    def uses(self) -> list[Use]:
        return uses_of(self.tag)

    @cached_property
    def versions(self) -> list[TagVersion]:
        return list(self.source.versions.select_related("saved_by")[:RECENT])

    @cached_property
    def bars(self) -> list[Bar]:
        return bars_of(TagSize.objects.filter(tag=self.tag), self.at)

    @cached_property
    def carrying(self) -> list[MemberTag]:
        """Those who got it last."""
        return self._carries(MemberTag.objects.current(), "since")

    @cached_property
    def lost(self) -> list[MemberTag]:
        """Those who lost it last."""
        return self._carries(MemberTag.objects.filter(until__isnull=False), "until")

    def _carries(self, rows: Any, column: str) -> list[MemberTag]:
        found = rows.filter(code=self.tag.code).select_related("member__lifecycle")
        return list(found.order_by(f"-{column}", "-pk")[:RECENT])


@dataclass(frozen=True)
class Carried:
    """A tag of one member with why she carries it and what to do about it."""

    carry: MemberTag
    tag: Tag
    lines: Sequence[Line]
    action: str


def carried_by(member: Member, at: datetime) -> list[Carried]:
    """The tags a member carries now, each with the rule's truth and facts as of ``at``."""
    carries = list(member.tags.current().select_related("tag__parent").order_by("tag__kind", "since", "pk"))
    why = _why({carry.code: carry.tag.rule for carry in carries if carry.cause == MemberTag.Cause.RULE}, member, at)
    return [
        Carried(
            carry, carry.tag, why.get(carry.code) or _of_values(carry.tag), action_of(carry.tag.parent or carry.tag)
        )
        for carry in carries
    ]


def lost_by(member: Member) -> list[MemberTag]:
    """The tags a member carried and carries no more, the last first."""
    return list(
        member.tags.filter(until__isnull=False).select_related("tag__parent").order_by("-until", "-pk")[:RECENT]
    )


def _of_values(tag: Tag) -> list[Line]:
    generator = tag.parent and tag.parent.generator
    return [Line(0, True, read_generator(generator).sentence(), "")] if generator else []


def _why(rules: dict[str, Any], member: Member, at: datetime) -> dict[str, list[Line]]:
    """Each rule for one member; all of them are asked in one reading."""
    known: dict[str, Any] = {}
    for code, data in rules.items():
        try:
            known[code] = read_rule(data).root
        except RuleInvalid:
            continue
    if not known:
        return {}
    together = Rule.model_construct(version=1, root=AnyOf.model_construct(kind="any", items=list(known.values())))
    try:
        explained = explain(together, member_ids=[member.pk], at=at)[member.pk]
    except TooSlow:
        return {}
    return {code: _trimmed(lines_of(node)) for code, node in zip(known, explained.children, strict=True)}


def _trimmed(lines: list[Line]) -> list[Line]:
    """Without the line of a root group that says only “all of these”."""
    return [Line(line.depth - 1, line.holds, line.text, line.note) for line in lines[1:]]
