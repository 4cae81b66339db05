"""Tags follow the facts: one statement each finds who came and who went, by the machinery of segments."""

from datetime import datetime, timedelta
from hashlib import md5

from pydantic import ValidationError

from members.counters.operations import bring_up
from members.segments.compiler import ids_of
from members.segments.limits import TooSlow, limited
from members.segments.registry import Context
from members.segments.schema import RuleInvalid, counters, read_rule
from members.tags.generators import MAX_VALUES, read_generator
from members.tags.models import MemberTag, Tag, TagSize
from members.tags.querysets import CARRIES, OF_VALUE, counted, gather_values, top_values
from members.tags.silence import unreported, without

# A tag that takes longer is marked and does not hold up the others.
SECONDS = 60
# Values are gathered from all events of a window, which costs more than a rule and moves less.
VALUES_EVERY = timedelta(minutes=5)
# Of a tag that others gave before it was first looked at, this much of the past is new.
WEEK = timedelta(days=7)


def refresh_tag(*, tag_id: int, at: datetime) -> bool:
    """Bring a tag up to date; returns whether anybody came or went.

    Safe to run twice at once: the second waits for the first and finds nothing left, and one that looks at an earlier
    instant than the last refresh does nothing. What cannot be read or takes too long marks the tag failed and leaves
    its carriers as they are.
    """
    try:
        with limited(SECONDS):
            tag = Tag.objects.refreshable().behind(at).select_for_update().filter(pk=tag_id).first()
            if tag is None:
                return False
            if tag.upkeep == Tag.Upkeep.VALUES:
                return _refresh_values(tag, at)
            if tag.upkeep == Tag.Upkeep.RULE:
                columns = _given_by(tag)
                rule = read_rule(tag.rule)
                said = without(rule, unreported(rule))
                wanted = ids_of(said or rule, at, bring_up(keys=counters(rule), at=at))
                CARRIES.apply(tag.code, wanted if said else wanted.none(), at, **columns)
            return _note(tag, at)
    except (RuleInvalid, TooSlow, ValidationError):
        Tag.objects.filter(pk=tag_id).update(failed_at=at)
    return False


def refresh_due(*, at: datetime) -> int:
    """Bring every tag up to date that is due; returns how many moved. Each is a transaction of its own."""
    due = [
        tag_id
        for tag_id, upkeep, last in Tag.objects.refreshable().behind(at).values_list("pk", "upkeep", "refreshed_at")
        if upkeep != Tag.Upkeep.VALUES or last is None or at - last >= VALUES_EVERY
    ]
    return sum(refresh_tag(tag_id=tag_id, at=at) for tag_id in due)


def _refresh_values(parent: Tag, at: datetime) -> bool:
    """The most frequent values become tags; what fell out of them loses its carriers."""
    gather_values(*read_generator(parent.generator).statement(Context(at=at)))
    values = top_values(MAX_VALUES)
    known = set(Tag.objects.filter(parent=parent).values_list("code", flat=True))
    Tag.objects.bulk_create(
        Tag(
            code=code_of_value(parent, value), kind=parent.kind, upkeep=Tag.Upkeep.VALUE, name=value, parent=parent,
            tone=parent.tone, created_at=at, updated_at=at,
        )
        for value in values
        if code_of_value(parent, value) not in known
    )  # fmt: skip
    came = went = 0
    for tag in Tag.objects.filter(parent=parent).select_for_update():
        wanted = OF_VALUE if tag.name in values else f"{OF_VALUE} AND false"
        diff = CARRIES.apply_sql(tag.code, wanted, [tag.name], at, _given_by(parent))
        came, went = came + diff.entered, went + diff.left
        _note(tag, at)
    return _log(parent, at, MemberTag.objects.current().carriers_of_values(parent.pk), came, went)


def code_of_value(parent: Tag, value: str) -> str:
    """The code under which members carry a value."""
    return f"{parent.pk}-{md5(value.encode(), usedforsecurity=False).hexdigest()[:20]}"


def _given_by(tag: Tag) -> dict[str, object]:
    rule = MemberTag.Cause.RULE.value
    return {"cause": rule, "said_by": [rule], "rule_version": tag.rule_version, "evidence": "{}"}


def _note(tag: Tag, at: datetime) -> bool:
    """Count who carries the tag now, and who came and went since the last time, whoever wrote it."""
    size, came, went = counted(tag.code, tag.refreshed_at or at - WEEK)
    return _log(tag, at, size, came, went)


def _log(tag: Tag, at: datetime, size: int, came: int, went: int) -> bool:
    """A row in the log of sizes when anybody came or went; returns whether."""
    if came or went or tag.refreshed_at is None:
        TagSize.objects.update_or_create(tag=tag, at=at, defaults={"size": size, "entered": came, "left": went})
    Tag.objects.filter(pk=tag.pk).update(size=size, refreshed_at=at, failed_at=None)
    return bool(came or went)
