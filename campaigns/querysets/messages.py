from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import Q

from campaigns.lifecycle import EXPIRE, LOSE, RELEASE, ChannelCode, Reason, Status
from campaigns.querysets.claiming import claim_sql, look_sql
from config.engine.moves import MovingQuerySet
from members.people.models import Member
from members.people.querysets.people import Beyond, Cursor, KeysetPage


@dataclass(frozen=True)
class Claimed:
    """One message a worker holds: where it goes and the facts it is written from (JSON text)."""

    intent_id: int
    address: str
    template_version_id: int
    context: str


class MessageIntentQuerySet(MovingQuerySet):
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

    def claimed_by(self, worker: str) -> "MessageIntentQuerySet":
        """What a worker holds that has not gone on the wire; the status is the index's of leases."""
        return self.filter(status=Status.CLAIMED, lease_until__isnull=False, claimed_by=worker)

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

    def look(self, params: dict[str, Any]) -> tuple[str, int | None, str] | None:
        """What a claim would say of the message ``params["intent"]`` now: (reason, template version, facts as JSON)."""
        with connection.cursor() as cursor:
            cursor.execute(look_sql(), params)
            return cursor.fetchone()

    def due_from(self, start: datetime) -> "MessageIntentQuerySet":
        return self.filter(due_at__gte=start)

    def due_before(self, end: datetime) -> "MessageIntentQuerySet":
        return self.filter(due_at__lt=end)

    def due_between(self, start: datetime, end: datetime) -> "MessageIntentQuerySet":
        return self.due_from(start).due_before(end)

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

    def to_members_like(self, text: str) -> "MessageIntentQuerySet":
        """Messages to the members a search finds, by name, number, phone or address."""
        return self.filter(member_id__in=Member.objects.search(text).order_by().values("pk"))

    def of_campaign(self, campaign: models.Model) -> "MessageIntentQuerySet":
        return self.filter(campaign=campaign)

    def on_channel(self, channel: str) -> "MessageIntentQuerySet":
        return self.filter(channel=channel)

    def because(self, reason: str) -> "MessageIntentQuerySet":
        return self.filter(reason=reason)

    def count_up_to(self, limit: int) -> int:
        """How many there are, but never counting beyond ``limit``."""
        return self.order_by().values("pk")[:limit].count()

    def keyset_page(
        self, *, size: int, ascending: bool, after: Cursor | None = None, before: Cursor | None = None
    ) -> KeysetPage:
        """One page of ids by (due, id) behind ``after``, or in front of ``before``. Reads only that page's rows."""
        backwards = after is None and before is not None
        upwards = ascending != backwards
        start = before if backwards else after
        rows = self.filter(Beyond("due_at", "id", start, upwards=upwards)) if start else self
        sign = "" if upwards else "-"
        pairs = rows.order_by(f"{sign}due_at", f"{sign}id").values_list("due_at", "id")[: size + 1]
        found = [Cursor(due_at, pk) for due_at, pk in pairs]
        has_more, found = len(found) > size, found[:size]
        if backwards:
            found.reverse()
        first, last = (found[0], found[-1]) if found else (None, None)
        behind = first if (has_more if backwards else after is not None) else None
        ahead = last if (backwards or has_more) else None
        return KeysetPage([cursor.pk for cursor in found], behind, ahead)

    def listed(self, ids: Iterable[int]) -> list[Any]:
        """The messages with these ids, in that order, with what a list row shows of member and campaign."""
        wanted = list(ids)
        rows = self.filter(pk__in=wanted).select_related("member", "campaign").in_bulk()
        return [rows[pk] for pk in wanted if pk in rows]

    def in_full(self) -> "MessageIntentQuerySet":
        """With everything a message's own page shows."""
        return self.select_related(
            "member", "campaign", "version", "template_version__template", "content"
        ).prefetch_related("decisions__actor")

    def older_for_member(self, member_id: int, at: datetime, pk: int, limit: int) -> "MessageIntentQuerySet":
        """A member's messages that reached an end before (``at``, ``pk``), newest first."""
        ended = self.filter(member_id=member_id, finished_at__isnull=False, finished_at__lte=at)
        older = ended.filter(Q(finished_at__lt=at) | Q(finished_at=at, pk__lt=pk))
        return older.select_related("campaign").order_by("-finished_at", "-pk")[:limit]

    def named(self, ids: Iterable[int]) -> "MessageIntentQuerySet":
        return self.filter(pk__in=list(ids))
