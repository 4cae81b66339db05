"""The terms of two members in one queue, and each one's own queue again when the merge is undone.

Nothing is decided here: ``members.terms`` orders the queue. What both covered at once in the past is told by one of
them alone, for a member is covered once; what is left of each order waits its turn.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from config.staff.models import User
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import active_policy
from members.merging.models import MergeRecord
from members.plans.models import Tier
from members.terms.models import MembershipTerm, MemberSignal
from members.terms.operations.queueing import MemberQueue
from members.terms.operations.terms import queue_of
from members.terms.queue import Placed, Seat, Share, place

Kind, CloseReason = MembershipTerm.Kind, MembershipTerm.CloseReason
Range = tuple[datetime, datetime]
TABLE = MembershipTerm._meta.db_table


def read_queue(life: MemberLifecycle, at: datetime) -> MemberQueue:
    """A member's queue at ``at``; the caller holds the lock where it is going to be written."""
    policy = active_policy()
    settlement = timedelta(hours=policy.settlement_hours)
    return MemberQueue(life, at, policy.grace_days, settlement, renews=life.auto_renewal_flag)


def joined_shares(ours: MemberQueue, theirs: MemberQueue) -> dict[int, Share]:
    """What is left of the orders of both; what ran of the absorbed member's takes its turn like any other."""
    others = {order: replace(share, is_running=False) for order, share in theirs.shares.items()}
    return ours.shares | others


def foresee(survivor: MemberLifecycle, absorbed: MemberLifecycle, at: datetime) -> list[tuple[MembershipTerm, Placed]]:
    """What would run until when if the two were one, in order of time, each stretch with the last row of its order.

    Reads only. Raises OverflowError beyond the calendar.
    """
    ours, theirs = read_queue(survivor, at), read_queue(absorbed, at)
    seats: list[Seat] = [*ours.seats, *theirs.seats]
    rows = {order: found[-1] for queue in (ours, theirs) for order, found in queue.orders.items()}
    return [(rows[stretch.order], stretch) for stretch in place(joined_shares(ours, theirs).values(), seats, at)]


@dataclass
class Joining:
    """Two queues on the way to being one: what is left of each order, and how every row of either was before."""

    shares: dict[int, Share]
    rows: dict[str, list[Any]]
    is_overlapping: bool

    def as_json(self) -> dict[str, Any]:
        return {"rows": self.rows, "joined": self.is_overlapping}


def begin_joining(survivor: MemberLifecycle, absorbed: MemberLifecycle, *, at: datetime) -> Joining:
    """Make the terms of both fit into one member: what the absorbed member has ahead is closed, to be booked anew.

    Where nothing overlaps everything stays as it is. The caller holds both lifecycle rows.
    """
    ours, theirs = read_queue(survivor, at), read_queue(absorbed, at)
    rows = [*ours.rows, *theirs.rows]
    joining = Joining(
        joined_shares(ours, theirs),
        {str(row.pk): [row.member_id, _text(row.closed_at), row.close_reason] for row in rows},
        _overlap(ours.rows, theirs.rows),
    )
    if joining.is_overlapping:
        for row in theirs.live:
            _close(row, at, CloseReason.MOVED)
        _cut(rows, survivor.member_id, at)
    return joining


def finish_joining(joining: Joining, survivor: MemberLifecycle, *, at: datetime, actor: User | None) -> None:
    """Order the queue of both anew, once the rows are the survivor's. Raises Refused ``beyond_calendar``."""
    if not joining.is_overlapping:
        return
    queue = read_queue(survivor, at)
    queue.shares = joining.shares
    queue.settle(actor=actor)


def begin_parting(record: MergeRecord) -> bool:
    """Take out what the merge and whatever came after it made of the terms; returns whether there is any of it.

    The rows that were there before are untouched until they are with whom they came from.
    """
    known = record.before.get("terms")
    if known is None or not _is_entangled(record):
        return False
    later = MembershipTerm.objects.filter(member_id=record.survivor_id).exclude(pk__in=map(int, known["rows"]))
    for row in later:
        _unmake(row)
    return True


def finish_parting(record: MergeRecord, *, at: datetime, actor: User | None) -> bool:
    """Give each member the terms as if they had never been one: the acts since are done again, each to its own queue.

    What was booked after the merge is the survivor's. The rows are with whom they came from, but those that carry
    orders of the absorbed member on, which go along. Returns True.
    """
    known = record.before["terms"]["rows"]
    theirs = [int(pk) for pk, (member_id, _, _) in known.items() if member_id == record.absorbed_id]
    MembershipTerm.objects.filter(member_id=record.survivor_id, origin_id__in=theirs).update(member=record.absorbed_id)
    for row in MembershipTerm.objects.filter(member_id__in=[record.survivor_id, record.absorbed_id]):
        if (was := known.get(str(row.pk))) and [_text(row.closed_at), row.close_reason] != was[1:]:
            _close(row, datetime.fromisoformat(was[1]) if was[1] else None, was[2])
    for member_id in (record.survivor_id, record.absorbed_id):
        _live_again(member_id, known, since=record.merged_at, until=at, actor=actor)
    return True


def _is_entangled(record: MergeRecord) -> bool:
    """Whether what the two have was ever one queue: else nothing of either depends on the other."""
    known = record.before["terms"]
    if known["joined"]:
        return True
    theirs = [int(pk) for pk, (member_id, _, _) in known["rows"].items() if member_id == record.absorbed_id]
    ahead = MembershipTerm.objects.filter(pk__in=theirs, ends_at__gt=record.merged_at, voided_at__isnull=True)
    is_ahead = any(known["rows"][str(row.pk)][1] is None for row in ahead)
    later = MembershipTerm.objects.filter(member_id=record.survivor_id, booked_at__gte=record.merged_at)
    return is_ahead and later.exclude(pk__in=map(int, known["rows"])).exists()


# What happened since


@dataclass(frozen=True)
class _Act:
    """Something done to an order while the two were one: booked, taken back for good, or moved to another tier."""

    at: datetime
    order: int
    reason: str = ""
    tier: Tier | None = None


def _live_again(member_id: int, known: dict[str, Any], *, since: datetime, until: datetime, actor: User | None) -> None:
    rows = list(MembershipTerm.objects.filter(member_id=member_id).select_related("plan", "tier").order_by("pk"))
    for act in sorted(_acts(rows, known, since), key=lambda act: (act.at, act.order)):
        if act.at > until:
            continue
        queue = queue_of(member_id, act.at)
        reasons: dict[int, str] = {}
        if act.tier is not None:
            if act.order not in queue.shares:
                continue
            queue.move_to(act.order, act.tier)
            reasons[act.order] = CloseReason.SWITCHED
        elif act.reason:
            _take_back(queue, act)
        elif (share := _share(queue.orders[act.order])) is not None:
            queue.shares[act.order] = share
        queue.settle(actor=actor, reasons=reasons)
        if act.reason and queue.renews and not queue.has_paid():
            off = MemberSignal.Kind.AUTO_RENEWAL_OFF
            MemberSignal.objects.create(member_id=member_id, kind=off, at=act.at, recorded_by=actor)


def _acts(rows: Sequence[MembershipTerm], known: dict[str, Any], since: datetime) -> Iterator[_Act]:
    tiers: dict[int, int] = {}
    for row in rows:
        order = row.order_id
        is_new = str(row.pk) not in known
        if row.origin_id is None:
            if is_new:
                yield _Act(row.booked_at, order)
            if row.voided_at is not None and row.voided_at >= since:
                yield _Act(row.voided_at, order, CloseReason.VOID)
            elif row.refunded_at is not None and row.refunded_at >= since:
                yield _Act(row.refunded_at, order, CloseReason.REFUND)
        elif is_new and row.booked_at < since:
            # A piece of an earlier row, which the merge booked beside what both covered.
            continue
        elif is_new and tiers[order] != row.tier_id:
            yield _Act(row.booked_at, order, tier=row.tier)
        tiers[order] = row.tier_id


def _take_back(queue: MemberQueue, act: _Act) -> None:
    trial_seconds = queue.trial_seconds(act.order) if act.reason == CloseReason.VOID else 0
    queue.drop(act.order)
    for row in queue.orders[act.order]:
        if row.closed_at is None:
            _close(row, act.at, act.reason)
    if trial_seconds:
        queue.give_trial_back(trial_seconds)


def _share(rows: Sequence[MembershipTerm]) -> Share | None:
    """The whole of an order as it was booked; None of lent cover, which has no time of its own."""
    first = rows[0]
    if first.kind == Kind.LENT:
        return None
    booked = first.booked_seconds or int((first.ends_at - first.starts_at).total_seconds())
    return Share(
        order=first.pk,
        kind=first.kind,
        position=first.tier.position,
        queued_at=max(first.booked_at, first.dated_at or first.booked_at),
        left=timedelta(seconds=booked),
        not_before=first.dated_at,
    )


# Time that both covered


def _overlap(ours: Iterable[MembershipTerm], theirs: Iterable[MembershipTerm]) -> bool:
    spans = [_span(row) for row in ours if row.voided_at is None]
    return any(
        max(starts_at, other[0]) < min(ends_at, other[1])
        for starts_at, ends_at in spans
        for other in (_span(row) for row in theirs if row.voided_at is None)
    )


def _cut(rows: Sequence[MembershipTerm], survivor_id: int, at: datetime) -> None:
    """Have each past instant told by one row: of two the one that says most of cover, else the survivor's.

    What is left of the other is booked in its place, as early as it was known.
    """
    told: list[Range] = []
    for row in sorted(rows, key=lambda row: (_rank(row), row.member_id != survivor_id, row.starts_at)):
        starts_at, ends_at = _span(row)
        ends_at = min(ends_at, at)
        if row.voided_at is not None or starts_at >= ends_at:
            continue
        left = _without((starts_at, ends_at), told)
        if left != [(starts_at, ends_at)]:
            _unmake(row)
            MembershipTerm.objects.bulk_create(_piece(row, piece) for piece in left)
        told += left


def _rank(row: MembershipTerm) -> int:
    if row.closed_at is None:
        return 0
    if row.refunded_at is not None:
        return 4
    return {Kind.PAID: 1, Kind.TRIAL: 3}.get(Kind(row.kind), 2)


def _without(span: Range, told: Iterable[Range]) -> list[Range]:
    left = [span]
    for starts_at, ends_at in told:
        parts = ((low, min(high, starts_at)) for low, high in left), ((max(low, ends_at), high) for low, high in left)
        left = sorted({(low, high) for some in parts for low, high in some if low < high})
    return left


def _piece(row: MembershipTerm, piece: Range) -> MembershipTerm:
    first = row.origin or row
    return MembershipTerm(
        member_id=row.member_id, plan=row.plan, tier=row.tier, kind=row.kind, starts_at=piece[0], ends_at=piece[1],
        price_cents=row.price_cents, currency=row.currency, external_ref=row.external_ref, origin=first,
        is_automatic=row.is_automatic, dated_at=row.dated_at,
        booked_seconds=first.booked_seconds or int((first.ends_at - first.starts_at).total_seconds()),
        refunded_at=row.refunded_at, anchor_on=row.anchor_on, anchor_clock=row.anchor_clock, booked_at=row.booked_at,
        recorded_by=row.recorded_by,
    )  # fmt: skip


def _span(row: MembershipTerm) -> Range:
    return row.starts_at, max(row.starts_at, row.effective_ends_at)


def _close(row: MembershipTerm, at: datetime | None, reason: str) -> None:
    row.closed_at, row.close_reason = at, reason
    row.save(update_fields=["closed_at", "close_reason"])


def _unmake(row: MembershipTerm) -> None:
    """Have a row cover nothing, at whatever instant it is judged."""
    _close(row, min(row.starts_at, row.booked_at), row.close_reason or CloseReason.MOVED)


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
