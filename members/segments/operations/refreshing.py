"""Dynamic segments follow the facts: one statement each finds who came and who went."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, F, Q

from members.counters.operations import bring_up, forget_unwanted
from members.segments.compiler import ids_of
from members.segments.limits import TooSlow, limited
from members.segments.models import Segment, SegmentMembership, SegmentReference
from members.segments.operations.saving import record_diff
from members.segments.querysets import Diff, apply_diff
from members.segments.schema import RuleInvalid, counters, read_rule

# A segment that takes longer is marked and does not hold up the others.
SECONDS = 60


def refresh_segment(*, segment_id: int, at: datetime) -> Diff | None:
    """Bring a dynamic segment up to date; returns what moved, or None when there was nothing to do.

    Safe to run twice at once: the second waits for the first and finds nothing left, and one that looks at an earlier
    instant than the last refresh does nothing. A rule that cannot be read or takes too long marks the segment failed
    and leaves its members as they are.
    """
    try:
        with limited(SECONDS):
            segment = (
                Segment.objects.live().dynamic().select_for_update().filter(pk=segment_id)
                .filter(Q(refreshed_at__isnull=True) | Q(refreshed_at__lt=at) | Q(refreshed_at__lt=F("updated_at")))
                .first()
            )  # fmt: skip
            if segment is None:
                return None
            rule = read_rule(segment.rule)
            wanted = ids_of(rule, at, bring_up(keys=counters(rule), at=at))
            diff = apply_diff(segment_id=segment_id, wanted=wanted, at=at)
            record_diff(segment, diff, at)
            return diff
    except (RuleInvalid, TooSlow):
        Segment.objects.filter(pk=segment_id).update(failed_at=at)
    return None


def refresh_all(*, at: datetime) -> int:
    """Bring every dynamic segment up to date, those that others read first; returns how many moved.

    Each segment is a transaction of its own: after a crash the next call does the rest.
    """
    moved = 0
    for segment_id in in_reading_order():
        diff = refresh_segment(segment_id=segment_id, at=at)
        moved += bool(diff and (diff.entered or diff.left))
    forget_unwanted()
    return moved


def in_reading_order() -> list[int]:
    """The live dynamic segments, each after those its rule reads."""
    live = list(Segment.objects.live().dynamic().order_by("pk").values_list("pk", flat=True))
    sources: dict[int, list[int]] = {}
    for segment_id, target_id in SegmentReference.objects.filter(segment_id__in=live).values_list(
        "segment_id", "target_id"
    ):
        sources.setdefault(segment_id, []).append(target_id)
    ordered: dict[int, None] = {}

    def visit(segment_id: int) -> None:
        if segment_id not in ordered:
            for source in sources.get(segment_id, []):
                visit(source)
            ordered[segment_id] = None

    for segment_id in live:
        visit(segment_id)
    return [segment_id for segment_id in ordered if segment_id in set(live)]


def count_again(*, segment_ids: Iterable[int]) -> None:
    """Bring the sizes of segments up to date whose stays changed otherwise than by a refresh."""
    stays = SegmentMembership.objects.current().filter(segment_id__in=list(segment_ids)).order_by("segment_id")
    for segment_id, size in stays.values_list("segment_id").annotate(n=Count("pk")):
        Segment.objects.filter(pk=segment_id).update(size=size)
