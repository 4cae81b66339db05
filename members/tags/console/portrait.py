"""One tag as its page shows it, and the tags of one member as hers does."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext

from config.engine.naming import event_label, in_chinese, name_of
from members.events.models import EventDefinition
from members.people.models import Member
from members.segments.console.builder.page import Line, answer_for, sentences_of
from members.segments.console.history import Bar, bars_of
from members.segments.references import Use
from members.segments.schema import RuleInvalid, read_rule
from members.tags.generators import read_generator
from members.tags.models import MemberTag, Tag, TagSize, TagVersion
from members.tags.silence import unreported
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
    def waits_for(self) -> list[str]:
        """The events nobody has reported, of which the rule says nothing until somebody does."""
        try:
            rule = read_rule(self.tag.rule) if self.tag.rule else None
        except RuleInvalid:
            return []
        names = sorted(unreported(rule)) if rule else []
        known = {
            definition.name: event_label(definition) for definition in EventDefinition.objects.filter(name__in=names)
        }
        return [known.get(name, name) for name in names]

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
        own = Q(code=self.tag.code) if self.tag.upkeep != Tag.Upkeep.VALUES else Q(tag__parent=self.tag)
        found = rows.filter(own).select_related("member__lifecycle", "tag")
        return list(found.order_by(f"-{column}", "-pk")[:RECENT])


@dataclass(frozen=True)
class Carried:
    """A tag of one member and what to do about it."""

    carry: MemberTag
    tag: Tag
    action: str

    @property
    def given_by(self) -> str:
        """What says that the member carries it: its rule in the version that did, the engine, a hand."""
        words = [self._word_of(cause) for cause in self.carry.said_by or []]
        if self.is_by_hand:
            words.append(str(MemberTag.Cause.HAND.label))
        return " · ".join(words)

    @property
    def is_by_hand(self) -> bool:
        return self.carry.given_at is not None

    def _word_of(self, cause: str) -> str:
        if cause == MemberTag.Cause.RULE and self.carry.rule_version:
            return gettext("by its rule, v%(version)s") % {"version": self.carry.rule_version}
        return str(MemberTag.Cause(cause).label)


def carried_by(member: Member) -> list[Carried]:
    """The tags a member carries now."""
    carries = member.tags.current().select_related("tag__parent").order_by("tag__kind", "since", "pk")
    return [Carried(carry, carry.tag, action_of(carry.tag.parent or carry.tag)) for carry in carries]


def lost_by(member: Member) -> list[MemberTag]:
    """The tags a member carried and carries no more, the last first."""
    return list(
        member.tags.filter(until__isnull=False).select_related("tag__parent").order_by("-until", "-pk")[:RECENT]
    )


def why(carry: MemberTag, at: datetime) -> list[Line]:
    """The tag's rule for the member who carries it, with the facts as of ``at``; nothing where no rule gave it."""
    tag: Any = carry.tag
    if tag.parent and tag.parent.generator:
        return [Line(0, True, read_generator(tag.parent.generator).sentence(), name_of(tag))]
    if MemberTag.Cause.RULE not in (carry.said_by or [carry.cause]) or not tag.rule:
        return []
    try:
        rule = read_rule(tag.rule)
    except RuleInvalid:
        return []
    return answer_for(rule, carry.member, at)
