from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import F

from campaigns.lifecycle import EXPIRE, LOSE, RELEASE, ChannelCode, Move, Reason, Status
from campaigns.querysets.claiming import claim_sql


@dataclass(frozen=True)
class Claimed:
    """One message a worker holds: where it goes and the facts it is written from (JSON text)."""

    intent_id: int
    address: str
    template_version_id: int
    context: str


class MessageIntentQuerySet(models.QuerySet):
    def apply(self, move: Move, **changes: Any) -> int:
        """Make ``move`` on every row that may, in one statement; returns how many did."""
        sources = [source for source in move.sources if source is not None]
        return self.filter(move.guard, status__in=sources).update(status=move.target.value, **changes)

    def claim(self, params: dict[str, Any]) -> tuple[int, list[Claimed]]:
        """Claim due messages of a channel (see ``campaigns.operations.delivery.claim``); (judged, claimed)."""
        with connection.cursor() as cursor:
            cursor.execute(claim_sql(params["channel"]), params)
            rows = cursor.fetchall()
        return len(rows), [Claimed(*row) for row in rows if row[2] is not None]

    def show(self, params: dict[str, Any]) -> tuple[int, int]:
        """Show due in-app messages; returns (judged, shown)."""
        with connection.cursor() as cursor:
            cursor.execute(claim_sql(ChannelCode.IN_APP), params)
            judged, shown = cursor.fetchone()
        return judged, shown

    def pending_on(self, channel: str, at: datetime) -> "MessageIntentQuerySet":
        """Due and unclaimed on a channel."""
        return self.filter(status=Status.PENDING, channel=channel, due_at__lte=at)

    def overdue(self, at: datetime) -> "MessageIntentQuerySet":
        """Pending messages that are no longer true; the first condition is the index's."""
        return self.filter(status=Status.PENDING, due_at__lte=at, expires_at__lte=at)

    def dead_leases(self, at: datetime) -> "MessageIntentQuerySet":
        return self.filter(status__in=[Status.CLAIMED, Status.ON_WIRE], lease_until__lte=at)

    def expire_overdue(self, at: datetime) -> int:
        return self.overdue(at).apply(EXPIRE, reason=Reason.TOO_LATE, finished_at=at)

    def reclaim(self, at: datetime) -> tuple[int, int]:
        """Take back what dead workers held: before the wire it is pending again, on the wire it is unknown."""
        dead = self.dead_leases(at)
        released = dead.apply(RELEASE, claimed_by="", lease_until=None)
        lost = dead.apply(LOSE, reason=Reason.LEASE_LOST, finished_at=at, lease_until=None)
        return released, lost

    def due_between(self, start: datetime, end: datetime) -> "MessageIntentQuerySet":
        return self.filter(due_at__gte=start, due_at__lt=end)

    def with_status(self, status: str) -> "MessageIntentQuerySet":
        return self.filter(status=status)

    def unknown(self) -> "MessageIntentQuerySet":
        return self.filter(status=Status.UNKNOWN)

    def waiting(self) -> "MessageIntentQuerySet":
        """What a stop of sending holds back: planned or claimed, not yet on the wire."""
        return self.filter(status__in=[Status.PENDING, Status.CLAIMED])

    def to_member(self, member_id: int) -> "MessageIntentQuerySet":
        return self.filter(member_id=member_id)

    def of_step(self, step: str) -> "MessageIntentQuerySet":
        """Messages of one step on any channel: ``d7`` matches ``d7.email``."""
        return self.filter(step_key__startswith=f"{step}.")

    def counts_by_status(self) -> dict[str, int]:
        """How many in each status; statuses without any are 0."""
        counted = Counter(dict(self.order_by().values_list("status").annotate(models.Count("id"))))
        return {status.value: counted[status.value] for status in Status}

    def latest_due_first(self) -> "MessageIntentQuerySet":
        return self.order_by(F("due_at").desc(), F("id").desc())

    def after(self, due_at: datetime, pk: int) -> "MessageIntentQuerySet":
        """Rows that follow (due_at, id) in ``latest_due_first``."""
        return self.extra(where=["(due_at, campaigns_messageintent.id) < (%s, %s)"], params=[due_at, pk])

    def before(self, due_at: datetime, pk: int) -> "MessageIntentQuerySet":
        """Rows that precede (due_at, id), nearest first; the reader turns them round."""
        rows = self.extra(where=["(due_at, campaigns_messageintent.id) > (%s, %s)"], params=[due_at, pk])
        return rows.order_by("due_at", "id")

    def for_page(self) -> "MessageIntentQuerySet":
        """With what a list row shows of the member and the campaign."""
        return self.select_related("member", "campaign")

    def named(self, ids: Iterable[int]) -> "MessageIntentQuerySet":
        return self.filter(pk__in=list(ids))
