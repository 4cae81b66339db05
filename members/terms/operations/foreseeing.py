"""What a verb of terms would make of the queue, asked before the press. Nothing is locked or written."""

from dataclasses import dataclass
from datetime import datetime

from members.lifecycle.models import MemberLifecycle
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm
from members.terms.operations.queueing import NEW, Draft, Kind, MemberQueue
from members.terms.operations.terms import ahead, draft_of, queue_unlocked, renewed_plan
from members.terms.queue import Placed


@dataclass(frozen=True)
class Stretch:
    """Who covers the member from when until when: an order of theirs, the one about to be booked, or a seat."""

    kind: str
    plan: Plan | None
    tier: Tier
    starts_at: datetime
    ends_at: datetime
    is_new: bool
    runs: bool


def foresee_purchase(*, member_id: int, plan: Plan, at: datetime, starts_at: datetime | None = None) -> list[Stretch]:
    """The queue after a purchase of ``plan``. Raises Refused ``beyond_calendar``."""
    return _booked(member_id, at, draft_of(plan, Kind.PAID, dated_at=ahead(starts_at, at)))


def foresee_renewal(*, member_id: int, at: datetime) -> list[Stretch]:
    """The queue after a renewal. Raises Refused as the renewal would."""
    return foresee_purchase(member_id=member_id, plan=renewed_plan(member_id, at), at=at)


def foresee_gift(*, member_id: int, plan: Plan, at: datetime, starts_now: bool) -> list[Stretch]:
    """The queue after a gift of ``plan``."""
    return _booked(member_id, at, draft_of(plan, Kind.GIFT, starts_now=starts_now))


def foresee_without(*, term: MembershipTerm, at: datetime, is_void: bool) -> list[Stretch]:
    """The queue after the whole order of a term was refunded, or voided."""
    queue = _queue(term.member_id, at)
    trial_seconds = queue.trial_seconds(term.order_id) if is_void else 0
    queue.drop(term.order_id)
    if trial_seconds:
        queue.give_trial_back(trial_seconds)
    return _stretches(queue, queue.place())


def foresee_tier(*, term: MembershipTerm, tier: Tier, at: datetime) -> list[Stretch]:
    """The queue after what is left of a term's order moved to another tier."""
    queue = _queue(term.member_id, at)
    if term.order_id in queue.shares:
        queue.move_to(term.order_id, tier)
    return _stretches(queue, queue.place())


def _queue(member_id: int, at: datetime) -> MemberQueue:
    return queue_unlocked(MemberLifecycle.objects.get(member_id=member_id), at)


def _booked(member_id: int, at: datetime, draft: Draft) -> list[Stretch]:
    queue = _queue(member_id, at)
    booking = queue.plan_booking(draft)
    return _stretches(queue, booking.placed, draft, booking.starts_at)


def _stretches(
    queue: MemberQueue, placed: list[Placed], draft: Draft | None = None, starts_at: datetime | None = None
) -> list[Stretch]:
    found = []
    for stretch in placed:
        is_new = draft is not None and stretch.order == NEW
        rows = queue.orders.get(stretch.order, [])
        source = draft if draft is not None and is_new else rows[-1]
        start = starts_at if is_new and starts_at is not None and starts_at < queue.at else stretch.starts_at
        tier = queue.tiers.get(stretch.order, source.tier)
        runs = stretch.starts_at <= queue.at < stretch.ends_at
        found.append(Stretch(source.kind, source.plan, tier, start, stretch.ends_at, is_new, runs))
    return found
