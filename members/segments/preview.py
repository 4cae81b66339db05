"""Answers about a rule before anything is saved: how many, through which channels, how it narrows, who for example."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Count, Q

from members.people.models import Member
from members.people.querysets.people import MemberQuerySet
from members.segments.compiler import condition_of, ids_of, members_of, newest_of
from members.segments.limits import SECONDS, reading
from members.segments.models import Segment, SegmentMembership
from members.segments.reach import REACHES, Reach, joined
from members.segments.registry import Context
from members.segments.schema import Node, Path, Rule

SAMPLE = 5


@dataclass(frozen=True)
class Reached:
    reach: Reach
    count: int


@dataclass(frozen=True)
class Step:
    """How many are left after the condition or group at ``path`` and all before it."""

    path: Path
    count: int


@dataclass(frozen=True)
class Measure:
    """How many members a rule has at an instant, and a few of them."""

    total: int
    sample_ids: list[int]


@dataclass(frozen=True)
class Detail:
    """How a rule's members are reached and come about. ``reached_by_any`` counts those at least one channel reaches."""

    total: int
    channels: list[Reached]
    reached_by_any: int
    narrowing: list[Step]


@dataclass(frozen=True)
class Preview:
    """Who a changed rule would bring in and put out, compared with who is in now."""

    size_now: int
    size_then: int
    entering: int
    leaving: int
    entering_ids: list[int]
    leaving_ids: list[int]


def count(rule: Rule, *, at: datetime, seconds: float = SECONDS) -> int:
    """How many members the rule holds for. Raises TooSlow."""
    with reading(seconds):
        return ids_of(rule, at).count()


def measure(rule: Rule, *, at: datetime, seconds: float = SECONDS) -> Measure:
    """What the builder says at once beside a rule; ``seconds`` limit each of its queries. Raises TooSlow."""
    with reading(seconds):
        total = ids_of(rule, at).count()
        # Looking for examples where there is none would look at everybody again.
        return Measure(total, newest_of(rule, at, SAMPLE) if total else [])


def detail(rule: Rule, *, at: datetime, seconds: float = SECONDS) -> Detail:
    """What the builder says as soon as it is known; ``seconds`` limit each of its queries. Raises TooSlow."""
    with reading(seconds):
        total, channels, by_any = _by_channel(members_of(rule, at))
        return Detail(total, channels, by_any, _narrowing(rule, at, total))


def preview_change(*, segment: Segment, rule: Rule, at: datetime, seconds: float = SECONDS) -> Preview:
    """Who would enter and leave if ``rule`` were saved: against those in the segment now. Raises TooSlow."""
    inside = SegmentMembership.objects.current().filter(segment=segment).order_by()
    with reading(seconds):
        wanted = members_of(rule, at).order_by()
        entering = wanted.exclude(pk__in=inside.values("member_id"))
        leaving = Member.objects.filter(pk__in=inside.values("member_id")).exclude(pk__in=wanted.values("pk"))
        now, then, out = inside.count(), wanted.count(), leaving.count()
        # Who stays is in both, so the fourth figure follows from three.
        return Preview(now, then, then - (now - out), out, sample(entering), sample(leaving))


def sample(members: MemberQuerySet) -> list[int]:
    """A few of the members, the newest: what an index gives without sorting everybody."""
    return list(members.order_by("-pk").values_list("pk", flat=True)[:SAMPLE])


def _by_channel(members: MemberQuerySet) -> tuple[int, list[Reached], int]:
    """Total and channels in one reading of the members."""
    known = REACHES.all()
    reached = [reach.reachable() for reach in known]
    anywhere = reduce(or_, reached, Q())
    counts = {f"by_{index}": Count("pk", filter=one) for index, one in enumerate(reached)}
    row = joined(members.order_by(), known).aggregate(
        total=Count("pk"), anywhere=Count("pk", filter=anywhere), **counts
    )
    channels = [Reached(reach, row[f"by_{index}"]) for index, reach in enumerate(known)]
    return row["total"], channels, row["anywhere"]


def _narrowing(rule: Rule, at: datetime, total: int) -> list[Step]:
    """The rule's top-level items one after another. Items of ``any`` widen and those of ``not`` take away."""
    items: Sequence[Node] = rule.root.items
    steps = []
    for end in range(1, len(items)):
        partial = rule.root.model_copy(update={"items": items[:end]})
        found = Member.objects.filter(condition_of(partial, Context(at=at))).count()
        steps.append(Step((end - 1,), found))
    return [*steps, Step((len(items) - 1,), total)]
