"""Benefits of one member by the pure rules: what the settling engine and the uses must agree with.

Settled at instants, as the engine is: what was used since goes to the buckets of the settling before, in burn order.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from entitlements.grants.rules import Bucket, burn, carried_over, usage_period
from members.people.rules import local_date, shift_local

LADDER, CARRIED = 0, -1


@dataclass
class Term:
    starts_at: datetime
    ends_at: datetime
    anchor: datetime
    kind: str = "paid"
    closed_at: datetime | None = None

    @property
    def end(self) -> datetime:
        return min(self.ends_at, self.closed_at) if self.closed_at else self.ends_at


@dataclass(frozen=True)
class Rules:
    """One benefit: its usage period, what is carried over, and whether the limit is hard."""

    unit: str
    by_calendar: bool
    rollover_max: int = 0
    rollover_min: int = 0
    is_hard: bool = True


@dataclass
class Lot:
    closes_at: datetime | None
    amount: int | None
    used: int = 0


@dataclass
class Given:
    """A one-off amount; the database's number orders equal ones."""

    number: int
    amount: int
    at: datetime
    expires_at: datetime | None
    voided_at: datetime | None = None
    priority: int = 100

    def is_open(self, at: datetime) -> bool:
        ends = [end for end in (self.expires_at, self.voided_at) if end]
        return self.at <= at and all(end > at for end in ends)


@dataclass
class Open:
    """A bucket open at an instant; no amount is no limit."""

    key: int
    amount: int | None
    opens_at: datetime
    closes_at: datetime | None
    priority: int = 100


@dataclass
class Kept:
    """What is remembered of a term at its loss."""

    term: Term
    taken_at: datetime
    once: int
    carried: int
    carried_until: datetime | None
    returned: Term | None = None
    is_decided: bool = False
    back: Given | None = None


@dataclass
class Model:
    zone: str
    rules: Rules
    # What the ladder gives with a term and without one; None is nothing.
    with_term: int | None
    without: int | None
    terms: list[Term] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    lots: dict[tuple[int, datetime], Lot] = field(default_factory=dict)
    buckets: list[Open] = field(default_factory=list)
    granted: int = 0
    used: int = 0
    fresh: int = 0
    overage: int = 0
    free: tuple[int, datetime] | None = None
    via: str = "free"
    term_gave: dict[datetime, int] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    period: tuple[datetime, datetime | None, int] | None = None

    def settle(self, at: datetime) -> None:
        """As the engine at ``at``: lay what was used where it belongs, then look what is open."""
        self._allocate()
        self._remember(at)
        before, allowance = self.period, self._allowance(at)
        self._recall(at)
        ladder = self._ladder_bucket(at, allowance)
        if before and ladder and self.rules.rollover_max and before[1] and before[1] <= ladder.opens_at:
            self._carry_over(before, ladder)
        self.buckets = ([ladder] if ladder else []) + [
            Open(given.number, given.amount, given.at, given.expires_at, given.priority)
            for given in self.given
            if given.is_open(at)
        ]
        self.buckets += [
            Open(CARRIED, lot.amount, opens_at, lot.closes_at, priority=0)
            for (key, opens_at), lot in self.lots.items()
            if key == CARRIED and opens_at <= at and lot.closes_at and lot.closes_at > at
        ]
        is_open = any(bucket.key >= 0 for bucket in self.buckets)
        self.granted = sum(bucket.amount or 0 for bucket in self.buckets) if is_open else 0
        self.used = sum(min(self._lot(b).used, b.amount or 0) for b in self.buckets) if is_open else 0
        self.fresh = 0
        start = ladder.opens_at if ladder else None
        if start != (before[0] if before else None):
            self.overage = 0
        self.period = (ladder.opens_at, ladder.closes_at, ladder.amount or 0) if ladder else None

    def use(self, amount: int) -> bool:
        """Whether so much could be used."""
        left = self.granted - self.used
        if not any(bucket.key >= 0 for bucket in self.buckets) or (self.rules.is_hard and amount > left):
            return False
        taken = min(amount, left)
        self.used, self.fresh, self.overage = self.used + taken, self.fresh + taken, self.overage + amount - taken
        return True

    def current(self, at: datetime) -> Term | None:
        """The latest term that has begun and had any length."""
        begun = [t for t in self.terms if t.starts_at <= at and t.end > t.starts_at]
        return max(begun, key=lambda t: t.starts_at, default=None)

    def held_until(self, term: Term) -> datetime:
        if term.kind != "paid" or term.closed_at:
            return term.end
        return shift_local(term.end, local_date(term.end, self.zone) + timedelta(days=3), self.zone)

    def _source(self, at: datetime) -> str:
        term = self.current(at)
        if term is None or at >= self.held_until(term):
            return "free"
        return "term" if at < term.end else "grace"

    def _allowance(self, at: datetime) -> tuple[int, datetime] | None:
        """What the ladder gives now and from when its periods are counted."""
        term, self.via = self.current(at), self._source(at)
        if term and self.via != "free":
            self.free = None
            if self.via == "term":
                self.term_gave.pop(term.starts_at, None)
                if self.with_term is not None:
                    self.term_gave[term.starts_at] = self.with_term
            anchor = term.starts_at if self.rules.unit == "term" else term.anchor
            return None if self.with_term is None else (self.with_term, anchor)
        if self.without is None:
            self.free = None
        elif self.free is None or self.free[0] != self.without:
            anchor = (term.starts_at if self.rules.unit == "term" else term.anchor) if term else at
            self.free = (self.without, anchor)
        return self.free

    def _remember(self, at: datetime) -> None:
        """On losing the membership: the last term that was not refunded, once."""
        lost = self.current(at)
        counting = [t for t in self.terms if t.starts_at <= at and not t.closed_at]
        if self.via == "free" or self._source(at) != "free" or lost is None or not counting:
            return
        term = max(counting, key=lambda t: t.starts_at)
        if any(kept.term is term for kept in self.kept):
            return
        since = self.held_until(lost)
        lot = self.lots.get((LADDER, term.starts_at))
        once = self.term_gave.get(term.starts_at, 0) if self.rules.unit == "term" else 0
        open_then = [
            lot for (key, opens), lot in self.lots.items()
            if key == CARRIED and opens < since and lot.closes_at and lot.closes_at >= since
        ]  # fmt: skip
        self.kept.append(Kept(
            term, since, max(once - (lot.used if lot else 0), 0), sum((c.amount or 0) - c.used for c in open_then),
            max((c.closes_at for c in open_then if c.closes_at), default=None),
        ))  # fmt: skip

    def _recall(self, at: datetime) -> None:
        """On return what was left comes back; what came back with a refunded term goes."""
        for kept in self.kept:
            back = kept.back
            if back and kept.returned and kept.returned.closed_at and not back.voided_at and back.is_open(at):
                back.voided_at = at
        term = self.current(at)
        for kept in self.kept if self.via == "term" and term else []:
            if kept.is_decided:
                continue
            assert term is not None
            kept.is_decided, kept.returned = True, term
            if term.starts_at < kept.taken_at or kept.taken_at < term.starts_at - timedelta(days=180):
                continue
            is_over = kept.carried_until is not None and kept.carried_until <= term.starts_at
            if amount := kept.once + (kept.carried if is_over else 0):
                number = 10**12 + len(self.given)
                kept.back = Given(number, amount, term.starts_at, term.end, priority=50)
                self.given.append(kept.back)

    def _ladder_bucket(self, at: datetime, allowance: tuple[int, datetime] | None) -> Open | None:
        if allowance is None:
            return None
        amount, anchor = allowance
        start, end = usage_period(
            self.rules.unit, by_calendar=self.rules.by_calendar, zone=self.zone, anchor=anchor, at=at
        )
        return Open(LADDER, amount, start, end)

    def _lot(self, bucket: Open) -> Lot:
        return self.lots.get((bucket.key, bucket.opens_at)) or Lot(bucket.closes_at, bucket.amount)

    def _allocate(self) -> None:
        if not self.fresh:
            return
        left = [
            Bucket(n, max((b.amount or 0) - self._lot(b).used, 0), b.priority, b.closes_at, b.opens_at)
            for n, b in enumerate(sorted(self.buckets, key=lambda b: b.key))
        ]
        ordered = sorted(self.buckets, key=lambda b: b.key)
        for n, part in burn(left, self.fresh).items():
            bucket = ordered[n]
            lot = self.lots.setdefault((bucket.key, bucket.opens_at), Lot(bucket.closes_at, bucket.amount))
            lot.used += part
        self.fresh = 0

    def _carry_over(self, before: tuple[datetime, datetime | None, int], ladder: Open) -> None:
        start, end, amount = before
        assert end is not None
        kept, carried = self.lots.get((LADDER, start)), self.lots.get((CARRIED, start))
        left = max(amount - (kept.used if kept else 0), 0)
        left += (carried.amount or 0) - carried.used if carried else 0
        periods = max(round((ladder.opens_at - start) / (end - start)), 1)
        total = carried_over(
            left, allowance=ladder.amount or 0, periods=periods, at_least=self.rules.rollover_min,
            at_most=self.rules.rollover_max,
        )  # fmt: skip
        if total > 0 and (CARRIED, ladder.opens_at) not in self.lots:
            self.lots[CARRIED, ladder.opens_at] = Lot(ladder.closes_at, total)
