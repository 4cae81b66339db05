"""A member's queue as the database has it: read whole, placed by ``members.terms.queue``, written as the difference.

Every verb that changes what runs or waits goes through it. The caller holds the lock on the member's lifecycle row.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings

from config.engine.money import project_currency
from config.engine.refusal import Refused
from config.staff.models import User
from members.lifecycle.models import MemberLifecycle
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm
from members.terms.queue import NOTHING, Placed, Seat, Share, place, turn
from members.terms.rules import Chain, Hold, hold_of

Kind, CloseReason = MembershipTerm.Kind, MembershipTerm.CloseReason
# The order being booked has no number yet; among those booked at one instant it comes last.
NEW = sys.maxsize
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Draft:
    """An order about to be booked: ``count`` units (``day``, ``week``, ``month``, ``year``) of a tier."""

    kind: str
    plan: Plan | None
    tier: Tier
    unit: str
    count: int
    dated_at: datetime | None = None
    starts_now: bool = False


@dataclass(frozen=True)
class Booking:
    """A draft with its place: from when, how long, from where its days are counted, and where everything lies then."""

    draft: Draft
    starts_at: datetime
    length: timedelta
    chain: Chain
    placed: list[Placed]


@dataclass
class MemberQueue:
    """What is left of each of a member's orders at ``at``."""

    life: MemberLifecycle
    at: datetime
    grace_days: int
    settlement: timedelta
    # Whether the membership renews by itself.
    renews: bool
    # Trial time given to an order for good, to be written down with its next row.
    given: dict[int, timedelta] = field(default_factory=dict)
    # What staff made of the tier of an order.
    tiers: dict[int, Tier] = field(default_factory=dict)
    _kept: set[tuple[int, datetime, datetime]] = field(default_factory=set)

    @cached_property
    def zone(self) -> str:
        return self.life.time_zone or settings.PROJECT_TIME_ZONE

    @cached_property
    def rows(self) -> list[MembershipTerm]:
        """All rows of the member, in the order in which they were booked."""
        rows = MembershipTerm.objects.filter(member_id=self.life.member_id).select_related("plan", "tier")
        return sorted(rows, key=lambda row: row.pk)

    @cached_property
    def orders(self) -> dict[int, list[MembershipTerm]]:
        """The rows of each order, by the number of its first."""
        found: dict[int, list[MembershipTerm]] = {}
        for row in self.rows:
            found.setdefault(row.order_id, []).append(row)
        return found

    @cached_property
    def live(self) -> list[MembershipTerm]:
        """Rows with time to come."""
        rows = [row for row in self.rows if row.ends_at > self.at and row.closed_at is None and row.voided_at is None]
        return sorted(rows, key=lambda row: row.starts_at)

    @cached_property
    def shares(self) -> dict[int, Share]:
        found: dict[int, Share] = {}
        for order, rows in self.orders.items():
            left = sum(
                (row.ends_at - max(row.starts_at, self.at) for row in self.live if row.order_id == order), NOTHING
            )
            if left and rows[0].kind != Kind.LENT:
                found[order] = self._share(order, rows, left)
        return self._with_trial_whole(found)

    @cached_property
    def seats(self) -> list[Seat]:
        return [
            Seat(order, rows[0].tier.position, rows[0].starts_at, rows[0].lent_until)
            for order, rows in self.orders.items()
            if rows[0].kind == Kind.LENT and rows[0].lent_until and rows[0].lent_until > self.at
        ]

    @cached_property
    def current(self) -> MembershipTerm | None:
        """The row that covers the member at the instant."""
        return next((row for row in self.live if row.starts_at <= self.at), None)

    @cached_property
    def hold(self) -> Hold | None:
        """The grace behind the last chain of cover."""
        begun = (row for row in self.rows if row.starts_at < min(row.effective_ends_at, self.at))
        return hold_of([row.as_span(self.at, policy_days=self.grace_days) for row in begun], self.zone)

    def waits(self) -> list[Share]:
        """What runs or waits and is free to start."""
        return [share for share in self.shares.values() if share.may_run(self.at)]

    def has_paid(self) -> bool:
        """Whether an unrefunded paid order runs or waits."""
        return any(share.kind == Kind.PAID for share in self.shares.values())

    def plan_booking(self, draft: Draft) -> Booking:
        """Where a draft would lie, and everything else with it. Raises Refused ``beyond_calendar``."""
        try:
            return self._booking(draft)
        except (OverflowError, ValueError):
            raise Refused("beyond_calendar") from None

    def place(self, *extra: Share) -> list[Placed]:
        """Where every second lies from now on. Raises Refused ``beyond_calendar``."""
        try:
            return place([*self.shares.values(), *extra], self.seats, self.at)
        except OverflowError:
            raise Refused("beyond_calendar") from None

    def settle(self, *, actor: User | None, reasons: dict[int, str] | None = None) -> list[MembershipTerm]:
        """Write what the queue has become since it was read; returns the new rows, in order of time."""
        placed = self.place()
        self._close_moved(placed, reasons or {})
        return self._book_moved(placed, actor)

    def book(
        self,
        booking: Booking,
        *,
        actor: User | None,
        price_cents: int = 0,
        currency: str,
        external_ref: str | None = None,
        is_automatic: bool = False,
        refunded_cents: int = 0,
    ) -> MembershipTerm:
        """Write a booking down with whatever it moves; returns the order's first row."""
        draft = booking.draft
        first = next(stretch for stretch in booking.placed if stretch.order == NEW)
        is_whole = first.ends_at - booking.starts_at == booking.length + first.handed
        self._close_moved(booking.placed, {})
        row = MembershipTerm.objects.create(
            member_id=self.life.member_id,
            plan=draft.plan,
            tier=draft.tier,
            kind=draft.kind,
            starts_at=booking.starts_at,
            ends_at=first.ends_at,
            price_cents=price_cents,
            currency=currency,
            external_ref=external_ref or None,
            is_automatic=is_automatic,
            dated_at=draft.dated_at,
            booked_seconds=None if is_whole and not first.handed else int(booking.length / SECOND),
            trial_seconds=int(first.handed / SECOND),
            refunded_cents=refunded_cents,
            anchor_on=booking.chain.first_on,
            anchor_clock=booking.chain.clock,
            anchor_months=booking.chain.months if is_whole else 0,
            booked_at=self.at,
            recorded_by=actor,
        )
        self.orders[row.pk] = [row]
        others = [stretch for stretch in booking.placed if stretch is not first]
        self._book_moved([replace(o, order=row.pk) if o.order == NEW else o for o in others], actor)
        return row

    def change_tier(self, order: int, tier: Tier, *, actor: User | None) -> MembershipTerm:
        """Have what is left of an order go on in another tier; returns the first row in it."""
        self.move_to(order, tier)
        rows = self.settle(actor=actor, reasons={order: CloseReason.SWITCHED})
        return next(row for row in rows if row.order_id == order)

    def move_to(self, order: int, tier: Tier) -> None:
        """Count an order with another tier."""
        self.tiers[order] = tier
        self.shares[order] = replace(self.shares[order], position=tier.position)

    def lend(
        self, tier: Tier, starts_at: datetime, ends_at: datetime, *, external_ref: str, actor: User | None
    ) -> MembershipTerm:
        """Write lent cover down: its first row says for which time, others carry it where nothing lies over it."""
        if starts_at < self.at:
            covered_until = self.hold.covered_until if self.hold else starts_at
            starts_at = self.at if self.current else max(starts_at, min(covered_until, self.at))
        self.seats.append(Seat(NEW, tier.position, starts_at, ends_at))
        placed = self.place()
        self._close_moved(placed, {})
        mine = [(stretch.starts_at, stretch.ends_at) for stretch in placed if stretch.order == NEW]
        is_whole = mine == [(max(starts_at, self.at), ends_at)]
        chain = Chain.from_instant(starts_at, self.zone)
        row = MembershipTerm.objects.create(
            member_id=self.life.member_id,
            tier=tier,
            kind=Kind.LENT,
            starts_at=starts_at,
            ends_at=ends_at,
            currency=project_currency(),
            external_ref=external_ref,
            lent_until=ends_at,
            closed_at=None if is_whole else self.at,
            close_reason="" if is_whole else CloseReason.MOVED,
            anchor_on=chain.first_on,
            anchor_clock=chain.clock,
            booked_at=self.at,
            recorded_by=actor,
        )
        self.orders[row.pk] = [row]
        others = [stretch for stretch in placed if stretch.order != NEW or not is_whole]
        self._book_moved([replace(o, order=row.pk) if o.order == NEW else o for o in others], actor)
        return row

    def end_lent(self, first: MembershipTerm, *, actor: User | None) -> None:
        """Lend no longer; what waited for the end of it starts."""
        _update(first, {"lent_until": self.at})
        self.settle(actor=actor, reasons={first.pk: CloseReason.FOLLOWED})

    def take_back(self, order: int, reason: str, **marks: object) -> None:
        """Close an order for good as refunded or voided; ``marks`` go on all its rows."""
        self.drop(order)
        for row in self.orders[order]:
            values = dict(marks)
            if row.closed_at is None:
                values |= {"closed_at": self.at, "close_reason": reason}
            _update(row, values)

    def drop(self, order: int) -> None:
        """Count an order no more."""
        self.shares.pop(order, None)
        self.live = [row for row in self.live if row.order_id != order]

    def give_trial_back(self, seconds: int) -> None:
        """Have the trial run on when nothing else runs or waits; else its time goes to the first that does."""
        left = seconds * SECOND
        if waiting := self.waits():
            first = min(waiting, key=turn)
            self.shares[first.order] = replace(first, left=first.left + left)
            self.given[first.order] = left
            return
        trials = [rows for rows in self.orders.values() if rows[0].kind == Kind.TRIAL and rows[0].voided_at is None]
        if trials:
            order = trials[-1][0].pk
            self.shares[order] = replace(self._share(order, trials[-1], left), has_begun=True)

    def trial_seconds(self, order: int) -> int:
        """Trial time that an order took over or was given, as far as it is its own by now."""
        return sum(
            row.trial_seconds
            for row in self.orders[order]
            if row.effective_ends_at > row.starts_at and (row.starts_at <= self.at or order not in self._pending)
        )

    def _share(self, order: int, rows: Sequence[MembershipTerm], left: timedelta) -> Share:
        first, last = rows[0], rows[-1]
        begun = [row for row in rows if row.starts_at < self.at and row.effective_ends_at > row.starts_at]
        return Share(
            order=order,
            kind=first.kind,
            position=self.tiers.get(order, last.tier).position,
            queued_at=max(first.booked_at, first.dated_at or first.booked_at),
            left=left,
            not_before=first.dated_at,
            has_begun=bool(begun),
            is_running=self.current is not None and self.current.order_id == order,
        )

    @cached_property
    def _pending(self) -> dict[int, timedelta]:
        """Trial time that orders take over on a date to come: until then it is the trial's."""
        if not any(row.kind == Kind.TRIAL for row in self.live):
            return {}
        return {
            row.order_id: row.trial_seconds * SECOND
            for row in self.live
            if row.trial_seconds and row.starts_at > self.at and row.dated_at
        }

    def _with_trial_whole(self, shares: dict[int, Share]) -> dict[int, Share]:
        trial = next((order for order, share in shares.items() if share.kind == Kind.TRIAL), None)
        if trial is None:
            return shares
        for order, seconds in self._pending.items():
            shares[order] = replace(shares[order], left=shares[order].left - seconds)
            shares[trial] = replace(shares[trial], left=shares[trial].left + seconds)
        return shares

    def _booking(self, draft: Draft) -> Booking:
        share = Share(
            NEW,
            draft.kind,
            draft.tier.position,
            draft.dated_at or self.at,
            timedelta(days=1),
            draft.dated_at,
            starts_now=draft.starts_now,
        )
        first = next(placed for placed in self.place(share) if placed.order == NEW)
        if joined := self._joined_on(draft, first.starts_at):
            starts_at, chain, length = joined
            share = replace(share, left=length - (self.at - starts_at), is_running=True)
        else:
            starts_at = first.starts_at
            chain, length = self._measured(draft, starts_at, first.handed, self._before(starts_at))
            share = replace(share, left=length)
        return Booking(draft, starts_at, length, chain, self.place(share))

    def _measured(
        self, draft: Draft, starts_at: datetime, handed: timedelta, before: MembershipTerm | None
    ) -> tuple[Chain, timedelta]:
        """How long the draft lasts from an instant on, behind the row ``before`` and what is taken over of a trial."""
        chain = Chain.from_instant(starts_at + handed, self.zone).extended(draft.unit, draft.count)
        if before is not None and not handed:
            chain = self._continued(chain, before, draft)
        return chain, self._ends_at(chain) - starts_at - handed

    def _continued(self, fresh: Chain, before: MembershipTerm, draft: Draft) -> Chain:
        """The chain of the row before, gone on with; of one that was moved only where nobody loses a day by it."""
        chain = Chain(before.anchor_on, before.anchor_clock, before.anchor_months)
        longer = chain.extended(draft.unit, draft.count)
        if before.ends_at in {chain.ends_at(self.zone, at_midnight=on) for on in (True, False)}:
            return longer
        if before.anchor_months and longer.months:
            return max(longer, fresh, key=self._ends_at)
        return fresh

    def _ends_at(self, chain: Chain) -> datetime:
        return chain.ends_at(self.zone, at_midnight=settings.TERMS_END_AT_MIDNIGHT)

    def _before(self, starts_at: datetime) -> MembershipTerm | None:
        """The row at whose end a booking starts, when it stays where it is."""
        return next((row for row in self.live if row.ends_at == starts_at and row.kind != Kind.LENT), None)

    def _joined_on(self, draft: Draft, starts_at: datetime) -> tuple[datetime, Chain, timedelta] | None:
        """Start, chain and length of a purchase within grace or settlement that joins on to the last cover."""
        hold = self.hold
        if (
            draft.kind != Kind.PAID
            or draft.dated_at
            or self.current is not None
            or hold is None
            or starts_at != self.at
        ):
            return None
        if hold.tier_id != draft.tier.pk or self.at >= self.held_until or hold.covered_until >= self.at:
            return None
        before = next((row for row in self.rows if row.ends_at == hold.covered_until and row.closed_at is None), None)
        if before is not None and before.kind in (Kind.TRIAL, Kind.LENT):
            before = None
        chain, length = self._measured(draft, hold.covered_until, NOTHING, before)
        return (hold.covered_until, chain, length) if (self.at - hold.covered_until) * 4 <= length else None

    @cached_property
    def held_until(self) -> datetime:
        """Until when a purchase still joins on to the last cover: grace, and settlement with automatic renewal."""
        hold = self.hold
        if hold is None:
            return self.at
        if hold.is_last and self.renews:
            return max(hold.until, hold.covered_until + self.settlement)
        return hold.until

    def _close_moved(self, placed: Iterable[Placed], reasons: dict[int, str]) -> None:
        """Close every row that does not lie where its order lies now."""
        wanted = {_key(stretch) for stretch in placed}
        running = {stretch.order for stretch in placed if stretch.starts_at == self.at}
        self._kept = set()
        for row in self.live:
            key = (row.order_id, max(row.starts_at, self.at), row.ends_at)
            if key in wanted and row.order_id not in self.given and row.order_id not in reasons:
                self._kept.add(key)
                continue
            if row.trial_seconds and row.starts_at > self.at and row.order_id not in self._pending:
                self.given[row.order_id] = self.given.get(row.order_id, NOTHING) + row.trial_seconds * SECOND
            reason = reasons.get(row.order_id) or _why_closed(row, row.order_id in running, self.at)
            _update(row, {"closed_at": self.at, "close_reason": reason})

    def _book_moved(self, placed: Iterable[Placed], actor: User | None) -> list[MembershipTerm]:
        new = [self._row(stretch, actor) for stretch in placed if _key(stretch) not in self._kept]
        return MembershipTerm.objects.bulk_create(new)

    def _row(self, stretch: Placed, actor: User | None) -> MembershipTerm:
        """The row that carries an order on; its own start is the anchor for renewals, when the order is whole in it."""
        first, last = self.orders[stretch.order][0], self.orders[stretch.order][-1]
        booked = first.booked_seconds or int((first.ends_at - first.starts_at) / SECOND)
        chain = Chain.from_instant(stretch.starts_at, self.zone)
        is_whole = stretch.ends_at - stretch.starts_at == booked * SECOND
        taken = stretch.handed + self.given.pop(stretch.order, NOTHING)
        return MembershipTerm(
            member_id=self.life.member_id,
            plan=last.plan,
            tier=self.tiers.get(stretch.order, last.tier),
            kind=first.kind,
            starts_at=stretch.starts_at,
            ends_at=stretch.ends_at,
            price_cents=first.price_cents,
            currency=first.currency,
            external_ref=first.external_ref,
            origin=first,
            dated_at=first.dated_at,
            is_automatic=first.is_automatic,
            booked_seconds=booked,
            trial_seconds=int(taken / SECOND),
            anchor_on=chain.first_on,
            anchor_clock=chain.clock,
            anchor_months=_months(first) if is_whole else 0,
            booked_at=self.at,
            recorded_by=actor,
        )


def _months(row: MembershipTerm) -> int:
    """How many months the order was booked for; 0 where it was booked in days."""
    plan = row.plan
    if row.kind not in (Kind.PAID, Kind.GIFT) or plan is None or plan.duration_unit in (Plan.Unit.DAY, Plan.Unit.WEEK):
        return 0
    return plan.duration_count * (12 if plan.duration_unit == Plan.Unit.YEAR else 1)


def _why_closed(row: MembershipTerm, runs_on: bool, at: datetime) -> str:
    if row.kind == Kind.LENT or runs_on or row.starts_at >= at:
        return CloseReason.MOVED
    return CloseReason.CONVERTED if row.kind == Kind.TRIAL else CloseReason.SET_ASIDE


def _key(stretch: Placed) -> tuple[int, datetime, datetime]:
    return stretch.order, stretch.starts_at, stretch.ends_at


def _update(row: MembershipTerm, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))
