"""Questions about segments and who is in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.db.models import Q

from members.querysets.stays import Diff, StayTable, horizon

__all__ = ["STAYS", "Change", "Diff", "SegmentQuerySet", "StayQuerySet", "apply_diff", "horizon", "read_changes"]

STAYS = StayTable(
    table="members_segmentmembership", owner="segment_id", begins="entered_at", ends="left_at",
    begun_xid="entered_xid", ended_xid="left_xid", on_end="left_xid = pg_current_xact_id()",
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A member entered or left a segment. ``membership_id`` names the stay, for an occurrence key."""

    kind: str
    membership_id: int
    segment_id: int
    member_id: int
    at: datetime


class SegmentQuerySet(models.QuerySet):
    def live(self) -> "SegmentQuerySet":
        """Segments in use: not archived."""
        return self.filter(archived_at__isnull=True)

    def dynamic(self) -> "SegmentQuerySet":
        return self.filter(kind="dynamic")

    def naming(self, segment_id: int) -> "SegmentQuerySet":
        """Live segments whose rule names this one."""
        return self.live().filter(references__target_id=segment_id)


class StayQuerySet(models.QuerySet):
    """Stays of members in segments."""

    def current(self) -> "StayQuerySet":
        return self.filter(left_at__isnull=True)

    def at(self, at: datetime) -> "StayQuerySet":
        """Stays that covered the instant ``at``: from entering to before leaving."""
        return self.filter(Q(left_at__isnull=True) | Q(left_at__gt=at), entered_at__lte=at)

    def entered_since(self, since: datetime) -> "StayQuerySet":
        return self.filter(entered_at__gt=since)

    def left_since(self, since: datetime) -> "StayQuerySet":
        return self.filter(left_at__gt=since)


def apply_diff(*, segment_id: int, wanted: models.QuerySet, at: datetime) -> Diff:
    """Make the current stays of a segment those of ``wanted`` (members), in one statement.

    The caller holds the segment's row, so that two at once cannot both enter a member.
    """
    return STAYS.apply(segment_id, wanted, at)


def read_changes(*, segment_ids: Iterable[int], after: int) -> tuple[list[Change], int]:
    """Who entered or left these segments from the cursor ``after`` on, and the cursor for the next call.

    ``StayTable.changes`` says how to read on.
    """
    found, cursor = STAYS.changes(segment_ids, after)
    return [Change(c.kind, c.stay_id, c.owner, c.member_id, c.at) for c in found], cursor
