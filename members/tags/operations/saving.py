"""Tags are made, changed and switched on and off here. Every change of what a tag means is a version."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from members.events.models import EventDefinition
from members.segments.cycles import lock_reading, refuse_cycle
from members.segments.schema import Rule, RuleError, RuleInvalid, check_catalogues, read_rule
from members.tags.generators import Generator, OfEvent
from members.tags.models import MemberTag, Tag, TagVersion
from members.tags.usage import uses_of


@transaction.atomic
def save_tag(
    *,
    actor: User | None,
    at: datetime,
    rule: Rule | None = None,
    generator: Generator | None = None,
    tag_id: int | None = None,
    base_version: int | None = None,
    reason: str = "",
    **words: str,
) -> Tag:
    """Save a tag, new or another version; returns it. The caller wakes ``refresh_tag``.

    With a rule the rule gives it, with a generator each value becomes a tag of its own, with neither it is given by
    hand; what the engine gives keeps its meaning and takes new ``words`` alone (name, name_zh, kind, description,
    tone, action, action_zh). ``base_version`` is the version the editor started from. Raises RuleInvalid for values
    that do not exist and for rules that lead back to the tag, Refused otherwise.
    """
    lock_reading()
    tag = locked(tag_id) if tag_id else _new(actor, at)
    if tag.upkeep == Tag.Upkeep.VALUE:
        raise Refused("value")
    if tag.upkeep == Tag.Upkeep.ENGINE and (rule or generator):
        raise Refused("engine")
    if base_version is not None and base_version != tag.rule_version:
        raise Refused("stale")
    if Tag.objects.filter(name=words["name"], parent=None).exclude(pk=tag.pk).exists():
        raise Refused("name_taken")
    _check(rule, generator, tag)
    for name, value in words.items():
        setattr(tag, name, value)
    written = (rule.model_dump(mode="json") if rule else None, generator.model_dump(mode="json") if generator else None)
    is_new_meaning = (_written_in_full(tag.rule), tag.generator) != written or not tag.pk
    tag.rule, tag.generator = written
    if tag.upkeep != Tag.Upkeep.ENGINE:
        tag.upkeep = Tag.Upkeep.RULE if rule else Tag.Upkeep.VALUES if generator else Tag.Upkeep.HAND
        tag.rule_version += is_new_meaning
    tag.updated_at, tag.updated_by = at, actor
    tag.save()
    if is_new_meaning:
        _keep_version(tag, actor=actor, at=at, reason=reason)
    audit(tag, "tag.saved", actor=actor, at=at, reason=reason, version=tag.rule_version)
    return tag


@transaction.atomic
def switch_off(*, tag_id: int, actor: User | None, at: datetime, reason: str = "") -> Tag:
    """Nobody carries the tag any more by its rule; what was given by hand stays. Refused while anything reads it."""
    # Against a rule that names it being saved at this moment.
    lock_reading()
    tag = locked(tag_id)
    if tag.upkeep == Tag.Upkeep.ENGINE:
        raise Refused("engine")
    if uses_of(tag):
        raise Refused("in_use")
    tags = Tag.objects.filter(pk=tag.pk) | Tag.objects.filter(parent=tag)
    carries = MemberTag.objects.current().by_rule().filter(code__in=list(tags.values_list("code", flat=True)))
    ended = carries.take_rule_back(at, cause=MemberTag.Cause.SWITCHED_OFF)
    tags.update(is_enabled=False, updated_at=at, updated_by=actor, size=0)
    audit(tag, "tag.switched_off", actor=actor, at=at, reason=reason, members=ended)
    return tag


@transaction.atomic
def switch_on(*, tag_id: int, actor: User | None, at: datetime) -> Tag:
    """The tag is refreshed again. The caller wakes ``refresh_tag``."""
    tag = locked(tag_id)
    tags = Tag.objects.filter(pk=tag.pk) | Tag.objects.filter(parent=tag)
    tags.update(is_enabled=True, updated_at=at, updated_by=actor)
    audit(tag, "tag.switched_on", actor=actor, at=at)
    return tag


def locked(tag_id: int) -> Tag:
    """The tag, held until the transaction ends."""
    tag = Tag.objects.select_for_update().filter(pk=tag_id).first()
    if tag is None:
        raise Refused("gone")
    return tag


def _new(actor: User | None, at: datetime) -> Tag:
    return Tag(code=f"t-{uuid4().hex[:20]}", upkeep=Tag.Upkeep.HAND, created_at=at, created_by=actor)


def _written_in_full(rule: Any) -> Any:
    """A rule's JSON with the defaults it leaves out, as a save writes it."""
    try:
        return read_rule(rule).model_dump(mode="json")
    except RuleInvalid:
        return rule


def _check(rule: Rule | None, generator: Generator | None, tag: Tag) -> None:
    if rule:
        check_catalogues(rule)
        if tag.pk:
            refuse_cycle(rule, ("tag", tag.code))
    if isinstance(generator, OfEvent) and not EventDefinition.objects.filter(name=generator.event).exists():
        raise RuleInvalid(
            [RuleError((), "event", _("No event “%(event)s” has been seen.") % {"event": generator.event})]
        )


def _keep_version(tag: Tag, *, actor: User | None, at: datetime, reason: str) -> None:
    TagVersion.objects.create(
        tag=tag, number=tag.rule_version, rule=tag.rule, generator=tag.generator, saved_at=at, saved_by=actor,
        reason=reason,
    )  # fmt: skip
