"""The queue of a member's terms: what runs from when until when, and what waits. The standard library only.

LIFECYCLE.md, "Terms". The higher tier runs now, the rest waits in its own tier; no second is converted into anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

NOTHING = timedelta(0)
# By rank first: what was paid for or has begun; the trial; gifts and compensation that have not begun.
PAID_OR_BEGUN, ON_TRIAL, NOT_BEGUN = range(3)


@dataclass(frozen=True)
class Share:
    """What is left of one order at an instant.

    ``has_begun``: it has covered some time. ``queued_at`` is when it was first booked, of a dated order its date: it
    acts as a purchase made then. A dated order does not start before ``not_before``. ``starts_now``: an operator said
    so of a gift.
    """

    order: int
    kind: str
    position: int
    queued_at: datetime
    left: timedelta
    not_before: datetime | None = None
    has_begun: bool = False
    is_running: bool = False
    starts_now: bool = False

    @property
    def counts_as_begun(self) -> bool:
        """Whether it has begun, if only at this instant."""
        return self.has_begun or self.is_running

    def may_run(self, at: datetime) -> bool:
        return self.counts_as_begun or self.not_before is None or self.not_before <= at


@dataclass(frozen=True)
class Seat:
    """Lent cover, without time of its own: in ``[starts_at, ends_at)`` where nothing of at least its tier runs."""

    order: int
    position: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Placed:
    """A stretch that an order covers. ``handed`` is trial time that the order took over where the stretch starts."""

    order: int
    starts_at: datetime
    ends_at: datetime
    handed: timedelta = NOTHING


@dataclass
class _Line:
    """The queue while it is lived through."""

    at: datetime
    shares: dict[int, Share]
    seats: Sequence[Seat]
    placed: list[Placed] = field(default_factory=list)

    def choose(self) -> Share | Seat | None:
        """Who runs from here on."""
        lent = [seat for seat in self.seats if seat.starts_at <= self.at < seat.ends_at]
        seat = max(lent, key=lambda seat: (seat.position, -seat.order), default=None)
        able = [
            share
            for share in self.shares.values()
            if share.left > NOTHING and share.may_run(self.at) and (seat is None or share.position >= seat.position)
        ]
        return min(able, key=turn, default=seat)

    def next_change(self, runs: Share | Seat | None) -> datetime | None:
        edges = [seat.starts_at for seat in self.seats] + [seat.ends_at for seat in self.seats]
        edges += [share.not_before for share in self.shares.values() if share.not_before and share.left > NOTHING]
        if isinstance(runs, Share):
            edges.append(self.at + runs.left)
        return min((edge for edge in edges if edge > self.at), default=None)

    def start(self, chosen: Share) -> timedelta:
        """Have the order run; a purchase closes the trial and takes its time over. Returns the time taken over."""
        taken = NOTHING
        if chosen.kind == "paid" or chosen.starts_now:
            for trial in self.shares.values():
                if trial.kind == "trial" and trial.counts_as_begun and trial.order != chosen.order:
                    taken += trial.left
                    self.shares[trial.order] = replace(trial, left=NOTHING, is_running=False)
        self.stop()
        self.shares[chosen.order] = replace(chosen, left=chosen.left + taken, is_running=True, starts_now=False)
        return taken

    def stop(self) -> None:
        """Whatever ran runs no more."""
        for share in self.shares.values():
            if share.is_running:
                self.shares[share.order] = replace(share, is_running=False)

    def run(self, runs: Share | Seat, until: datetime, handed: timedelta) -> None:
        if isinstance(runs, Share):
            share = self.shares[runs.order]
            self.shares[runs.order] = replace(share, left=share.left - (until - self.at), has_begun=True)
        last = self.placed[-1] if self.placed else None
        if last and last.order == runs.order and last.ends_at == self.at and not handed:
            self.placed[-1] = replace(last, ends_at=until)
        else:
            self.placed.append(Placed(runs.order, self.at, until, handed))


def turn(share: Share) -> tuple[int, int, bool, bool, datetime, int]:
    """By what the orders that may run at an instant are taken in turn; the least runs."""
    rank = PAID_OR_BEGUN
    if share.kind == "trial":
        rank = ON_TRIAL
    elif share.kind != "paid" and not share.counts_as_begun and not share.starts_now:
        rank = NOT_BEGUN
    return rank, -share.position, not share.starts_now, not share.is_running, share.queued_at, share.order


def place(shares: Iterable[Share], seats: Sequence[Seat], at: datetime) -> list[Placed]:
    """Where every second that is left lies from ``at`` on: stretches in order of time that do not overlap.

    Raises OverflowError when the calendar does not hold the last of them.
    """
    line = _Line(at, {share.order: share for share in shares if share.left > NOTHING}, seats)
    while True:
        runs, handed = line.choose(), NOTHING
        if not isinstance(runs, Share):
            line.stop()
        elif not runs.is_running:
            handed = line.start(runs)
            runs = line.shares[runs.order]
        until = line.next_change(runs)
        if until is None:
            return line.placed
        if runs is not None:
            line.run(runs, until, handed)
        line.at = until
