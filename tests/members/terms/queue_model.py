"""What is due to a member by the policy alone ("Terms: nobody loses what was paid or given"), in plain Python.

Written from the policy and not from the product. It plans nothing ahead: it lives through time, asks at every instant
at which something may change who runs, and counts the seconds down. Instants and lengths are whole seconds.
"""

from dataclasses import dataclass, field
from itertools import pairwise

DAY = 86_400
TRIAL, PAID, GIFT, COMPENSATION, LENT = "trial", "paid", "gift", "compensation", "lent"
REFUNDED, VOIDED = "refunded", "voided"


@dataclass
class Due:
    """One order, or a seat's lent cover, and what became of its seconds."""

    name: str
    kind: str
    position: int
    booked_at: int
    booked: int
    paid_cents: int = 0
    dated_at: int | None = None
    until: int | None = None  # of a seat only
    left: int = 0
    covered: int = 0
    handed_in: int = 0
    handed_on: int = 0
    gone: int = 0
    back_cents: int = 0
    undone: str = ""
    ref: str | None = None

    @property
    def queued_at(self) -> int:
        """A dated term acts as a purchase made on its date."""
        return self.booked_at if self.dated_at is None else max(self.booked_at, self.dated_at)

    def balances(self) -> bool:
        return self.booked + self.handed_in == self.covered + self.left + self.gone + self.handed_on


@dataclass
class Life:
    """One member, lived through from instant to instant."""

    grace: int = 3 * DAY
    settlement: int = DAY
    now: int = 0
    orders: list[Due] = field(default_factory=list)
    seats: list[Due] = field(default_factory=list)
    running: Due | None = None
    history: list[tuple[int, int, Due]] = field(default_factory=list)
    auto_renewal: bool = False

    # Time

    def advance(self, to: int) -> None:
        while True:
            change = min([to, *self._changes()])
            self._spend(change)
            if self.now >= to:
                return

    def _changes(self) -> list[int]:
        found = [o.dated_at for o in self.orders if o.left and o.dated_at is not None]
        found += [edge for seat in self.seats if not seat.undone for edge in (seat.dated_at, seat.until)]
        if self.running is not None and self.running.kind != LENT:
            found.append(self.now + self.running.left)
        return [instant for instant in found if instant is not None and instant > self.now]

    def _spend(self, to: int) -> None:
        ran, seconds = self.running, to - self.now
        if ran is not None and seconds:
            self._cover(ran, self.now, to)
        self.now = to
        self._choose()

    def _cover(self, ran: Due, start: int, end: int) -> None:
        ran.covered += end - start
        if ran.kind != LENT:
            ran.left -= end - start
        last = self.history[-1] if self.history else None
        if last and last[1] == start and last[2] is ran:
            self.history[-1] = (last[0], end, ran)
        else:
            self.history.append((start, end, ran))

    # Who runs

    def _choose(self) -> None:
        seat = self._seat()
        able = [
            order
            for order in self.orders
            if order.left
            and (order.covered or order.dated_at is None or order.dated_at <= self.now)
            and (seat is None or order.position >= seat.position)
        ]
        chosen = min(able, key=self._turn, default=seat)
        if chosen is not self.running and chosen is not None and chosen.kind == PAID:
            self._close_trial(chosen)
        self.running = chosen

    def _seat(self) -> Due | None:
        lent = [s for s in self.seats if not s.undone and s.dated_at <= self.now < s.until]
        return max(lent, key=lambda s: (s.position, -s.booked_at), default=None)

    def _turn(self, order: Due) -> tuple:
        has_begun = order.covered > 0 or order is self.running
        if order.kind == TRIAL:
            rank = 1
        elif order.kind == PAID or has_begun:
            rank = 0
        else:
            rank = 2
        return rank, -order.position, order is not self.running, order.queued_at, self.orders.index(order)

    def _close_trial(self, purchase: Due) -> None:
        for trial in self.orders:
            if trial.kind == TRIAL and trial.left and (trial.covered or trial is self.running):
                self._hand(trial, purchase, trial.left)
                trial.left = 0

    @staticmethod
    def _hand(giver: Due, taker: Due, seconds: int) -> None:
        giver.handed_on += seconds
        taker.handed_in += seconds
        taker.left += seconds

    # The chain of cover

    def hold(self) -> tuple[int, Due | None, int]:
        """Until when the tier is held or settled by now, the last link, and the end of the last cover of any kind."""
        reach = held = -1
        last: Due | None = None
        has_paid = False
        for start, end, order in sorted(self.history, key=lambda span: span[:2]):
            if order.kind == TRIAL:
                continue
            if order.undone:
                reach = max(reach, end) if start <= reach else reach
                continue
            if start > max(reach, held):
                has_paid = False
            has_paid = has_paid or order.kind == PAID
            last, reach = order, max(reach, end)
            held = end + self.grace if has_paid else end
        end = max((span[1] for span in self.history), default=-1)
        settles = self.auto_renewal and last is not None and self.history[-1][2] is last and not last.undone
        return max(held, end + self.settlement if settles else -1), last, end

    # What happens

    def book(self, due: Due, at: int, *, starts_now: bool = False, starts_at: int | None = None) -> Due:
        """A purchase, gift, compensation or trial; ``starts_now`` is what an operator says of a gift.

        ``starts_at`` is believed in one case only: its length depends on the day on which it starts, so that just at
        the quarter it may be too short to be dated back.
        """
        self.advance(at)
        due.left = due.booked
        if due.dated_at is not None and due.dated_at <= at:
            due.dated_at = None
        if due.kind == PAID and due.dated_at is None and self.running is None:
            self._date_back(due, starts_at)
        self.orders.append(due)
        if starts_now:
            self._close_trial(due)
            self.running = due
        self._choose()
        return due

    def find(self, due: Due, start: int, end: int, at: int) -> Due:
        """A file gives a term with both its ends where nothing else covers; what is past of it was cover."""
        self.advance(at)
        due.left = end - start
        if start < at:
            self._cover(due, start, min(end, at))
            self.history.sort(key=lambda span: span[:2])
        else:
            due.dated_at = start
        self.orders.append(due)
        self._choose()
        return due

    def _date_back(self, due: Due, starts_at: int | None) -> None:
        until, last, end = self.hold()
        if last is None or self.now >= until or last.position != due.position:
            return
        over = (self.now - end) * 4
        fits = starts_at == end if starts_at is not None and abs(over - due.booked) <= 4 * DAY else over <= due.booked
        if fits and end < self.now:
            self._cover(due, end, self.now)

    def refund(self, due: Due, cents: int, at: int) -> bool:
        """Give ``cents`` back; returns whether it was allowed."""
        self.advance(at)
        if due.undone or due.kind != PAID or not 0 < cents <= due.paid_cents - due.back_cents:
            return False
        due.back_cents += cents
        if due.back_cents == due.paid_cents:
            due.undone, due.gone, due.left = REFUNDED, due.left, 0
            self._choose()
            self._stop_renewing()
        return True

    def _stop_renewing(self) -> None:
        if not any(order.kind == PAID and order.left for order in self.orders):
            self.auto_renewal = False

    def void(self, due: Due, at: int) -> bool:
        self.advance(at)
        if due.undone or (due.paid_cents and due.back_cents == due.paid_cents):
            return False
        trial_time = due.handed_in
        due.undone, due.left = VOIDED, 0
        due.gone = due.booked - due.covered
        if self.running is due:
            self.running = None
        self._give_back(due, trial_time)
        self._choose()
        self._stop_renewing()
        return True

    def _give_back(self, voided: Due, seconds: int) -> None:
        """The trial runs on when nothing else runs or waits; else its time goes to the first that does."""
        if not seconds:
            return
        waits = [o for o in self.orders if o.left and (o.covered or o.dated_at is None or o.dated_at <= self.now)]
        if waits:
            self._hand(voided, min(waits, key=self._turn), seconds)
            return
        trial = next(o for o in self.orders if o.kind == TRIAL)
        # As if it had never been handed over.
        trial.handed_on -= seconds
        trial.left += seconds
        voided.handed_in -= seconds

    def change_tier(self, due: Due, position: int, at: int) -> bool:
        self.advance(at)
        if due.undone or not due.left or due.position == position:
            return False
        due.position = position
        self._choose()
        return True

    def lend(self, seat: Due, at: int) -> Due:
        self.advance(at)
        self.seats.append(seat)
        self._choose()
        return seat

    def end_seat(self, seat: Due, at: int) -> None:
        self.advance(at)
        if seat.until is not None and seat.until > at:
            seat.until = at
            seat.undone = "" if seat.covered else VOIDED
        self._choose()

    # What must hold

    def check(self) -> None:
        for order in self.orders:
            assert order.balances(), order
            assert min(order.left, order.covered, order.handed_in, order.handed_on) >= 0, order
            assert 0 <= order.back_cents <= order.paid_cents, order
        spans = sorted(span[:2] for span in self.history)
        assert all(one[1] <= other[0] for one, other in pairwise(spans)), spans
        for start, _end, order in self.history:
            assert order.dated_at is None or start >= order.dated_at, order
