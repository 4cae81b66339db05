"""Benefits of one member by the policy in plain Python: what the settling engine and the uses must agree with.

A use burns at once from what is open, by priority, the grant's expiry and age; what exceeds a soft limit is owed in
its usage period until there is room for it. A use taken back returns to whatever of that is still open. The engine
lays uses down later, at its settlings; that must make no difference.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from entitlements.grants.rules import Bucket, burn, carried_over, periods_between, usage_period
from members.terms.rules import Hold, Span, hold_of

LADDER, CARRIED = 0, -1
# The usage period of what is owed while the ladder gives nothing.
NO_PERIOD = None
GRACE_DAYS = 3
MOMENT = timedelta(microseconds=1)


@dataclass(eq=False)
class Term:
    """A row of an order, of which ``order`` is the number."""

    order: int
    starts_at: datetime
    ends_at: datetime
    kind: str = "paid"
    closed_at: datetime | None = None
    refunded_at: datetime | None = None
    voided_at: datetime | None = None

    @property
    def end(self) -> datetime:
        return min(self.ends_at, self.closed_at) if self.closed_at else self.ends_at

    @property
    def is_unmade(self) -> bool:
        return bool(self.refunded_at or self.voided_at)

    def covers_before(self, at: datetime) -> bool:
        return self.starts_at < min(self.end, at)


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
    """A bucket open at an instant; no amount is no limit. ``expires_at`` and ``given_at`` are its grant's."""

    key: int
    amount: int | None
    opens_at: datetime
    closes_at: datetime | None
    expires_at: datetime | None
    given_at: datetime
    priority: int = 100


@dataclass
class Use:
    """A use: how much of it lies in which lot, and how much is owed in which usage period."""

    parts: list[tuple[Lot, int]]
    owed: int
    period: datetime | None


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
    # What came back each time it was given back.
    backs: list[Given] = field(default_factory=list)


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
    overage: int = 0
    uses: list[Use] = field(default_factory=list)
    free: tuple[int, datetime] | None = None
    # Since when the ladder gives what it gives now, and until when.
    ladder_since: tuple[tuple[object, ...], datetime] | None = None
    via: str = "free"
    term_gave: dict[Term, int] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    period: tuple[datetime, datetime | None, int] | None = None
    # Since when the free tier gives it, or does not.
    free_gives: list[tuple[datetime, bool]] = field(default_factory=list)

    def settle(self, at: datetime) -> None:
        """Look what is open at ``at``, and let what is owed take the room there is."""
        self.free_gives.append((at, self.without is not None))
        self._remember(at)
        before, allowance = self.period, self._allowance(at)
        self._recall(at)
        ladder = self._ladder_bucket(at, allowance)
        if before and ladder and self.rules.rollover_max and before[1] and before[1] <= ladder.opens_at:
            self._carry_over(before, ladder)
        self.buckets = ([ladder] if ladder else []) + [
            Open(g.number, g.amount, g.at, g.expires_at, g.expires_at, g.at, g.priority)
            for g in self.given
            if g.is_open(at)
        ]
        self.buckets += [
            Open(CARRIED, lot.amount, opens_at, lot.closes_at, lot.closes_at, opens_at, priority=0)
            for (key, opens_at), lot in self.lots.items()
            if key == CARRIED and opens_at <= at and lot.closes_at and lot.closes_at > at
        ]
        self.period = (ladder.opens_at, ladder.closes_at, ladder.amount or 0) if ladder else None
        self._cover_what_is_owed()
        self._sum_up()

    def use(self, amount: int) -> Use | None:
        """The use, None where so much is not there."""
        left = self.granted - self.used
        if not self._is_open() or (self.rules.is_hard and amount > left):
            return None
        taken = min(amount, left)
        use = Use(self._burn(taken), amount - taken, self._period_key())
        self.uses.append(use)
        self._sum_up()
        return use

    def take_back(self, use: Use, at: datetime) -> None:
        """Back to what it burned, as far as that is open; then what is owed takes the room."""
        self.settle(at)
        for lot, part in use.parts:
            if lot.closes_at is None or lot.closes_at > at:
                lot.used -= part
        self.uses.remove(use)
        self._cover_what_is_owed()
        self._sum_up()

    def _is_open(self) -> bool:
        return any(bucket.key >= 0 for bucket in self.buckets)

    def _period_key(self) -> datetime | None:
        return self.period[0] if self.period else NO_PERIOD

    def _sum_up(self) -> None:
        is_open = self._is_open()
        self.granted = sum(bucket.amount or 0 for bucket in self.buckets) if is_open else 0
        self.used = sum(min(self._lot(b).used, b.amount or 0) for b in self.buckets) if is_open else 0
        owed = sum(use.owed for use in self.uses if use.period == self._period_key())
        self.overage = owed if is_open else 0

    def _burn(self, amount: int) -> list[tuple[Lot, int]]:
        """Lay so much into the buckets that are open."""
        ordered = sorted(self.buckets, key=lambda b: b.key)
        left = [
            Bucket(n, max((b.amount or 0) - self._lot(b).used, 0), b.priority, b.expires_at, b.given_at)
            for n, b in enumerate(ordered)
        ]
        parts = []
        for n, part in burn(left, amount).items():
            bucket = ordered[n]
            lot = self.lots.setdefault((bucket.key, bucket.opens_at), Lot(bucket.closes_at, bucket.amount))
            lot.used += part
            parts.append((lot, part))
        return parts

    def _cover_what_is_owed(self) -> None:
        for use in self.uses:
            if use.owed and use.period == self._period_key():
                covered = self._burn(use.owed)
                use.parts += covered
                use.owed -= sum(part for _lot, part in covered)

    def current(self, at: datetime) -> Term | None:
        """The latest term that has begun, had any length and was not voided."""
        begun = [t for t in self.terms if t.starts_at <= at and t.end > t.starts_at and not t.voided_at]
        return max(begun, key=lambda t: t.starts_at, default=None)

    def _hold(self, terms: list[Term], at: datetime) -> Hold | None:
        """The grace behind a chain of cover; for ``tier_id`` the place of its last link among ``terms``."""
        return hold_of(
            [
                Span(
                    term.starts_at, min(term.end, at), place, GRACE_DAYS, is_trial=term.kind == "trial",
                    is_paid=term.kind == "paid", is_taken_back=term.is_unmade,
                )
                for place, term in enumerate(terms) if term.covers_before(at)
            ],
            self.zone,
        )  # fmt: skip

    def held_until(self, at: datetime) -> datetime:
        """Until when what ended is held: the end of the last cover where nothing is."""
        last, hold = self.current(at), self._hold(self.terms, at)
        assert last is not None
        return max(hold.until, last.end) if hold else last.end

    def decides(self, at: datetime) -> Term | None:
        """The term by which the ladder gives something: the one that covers, or in the grace the last of its chain."""
        term, hold = self.current(at), self._hold(self.terms, at)
        if term is None or at < term.end or hold is None or at >= self.held_until(at):
            return term
        return self.terms[hold.tier_id]

    def anchor(self, term: Term) -> datetime:
        """The first day of the membership that ``term`` belongs to.

        A membership goes on while cover or its grace does, and as long as the usage period goes on in which it ended.
        """
        covers = sorted(
            (t for t in self.terms if t.starts_at <= term.starts_at and t.end > t.starts_at), key=lambda t: t.starts_at
        )
        first = until = covers[0].starts_at
        for n, cover in enumerate(covers):
            if cover.starts_at > until:
                _start, goes_on_until = usage_period(
                    self.rules.unit, by_calendar=False, zone=self.zone, anchor=first, at=until - MOMENT
                )
                if goes_on_until and cover.starts_at >= goes_on_until:
                    first = cover.starts_at
            hold = self._hold(covers[: n + 1], cover.end)
            until = max(until, cover.end, hold.until if hold else cover.end)
        return first

    def _source(self, at: datetime) -> str:
        term = self.current(at)
        if term is None or at >= max(term.end, self.held_until(at)):
            return "free"
        return "term" if at < term.end else "grace"

    def _allowance(self, at: datetime) -> tuple[int, datetime] | None:
        """What the ladder gives now and from when its periods are counted."""
        term, self.via = self.decides(at), self._source(at)
        if term and self.via != "free":
            self.free = None
            if self.via == "term":
                self.term_gave.pop(term, None)
                if self.with_term is not None:
                    self.term_gave[term] = self.with_term
            return None if self.with_term is None else (self.with_term, self._anchor(term))
        if self.without is None:
            self.free = None
        elif self.free is None or self.free[0] != self.without:
            self.free = (self.without, self._anchor(term) if term else at)
        return self.free

    def _anchor(self, term: Term) -> datetime:
        return self._first_run(term) if self.rules.unit == "term" else self.anchor(term)

    def _first_run(self, term: Term) -> datetime:
        """When the order first gave cover, before it was set aside and came back."""
        return min(t.starts_at for t in self.terms if t.order == term.order and t.end > t.starts_at)

    def _remember(self, at: datetime) -> None:
        """On losing the membership: the last term bought or given that was not refunded, once."""
        lost = self.current(at)
        counting = [
            t for t in self.terms
            if t.starts_at <= at and t.end > t.starts_at and t.kind in ("paid", "gift") and not t.is_unmade
        ]  # fmt: skip
        if self.via == "free" or self._source(at) != "free" or lost is None or not counting:
            return
        term = max(counting, key=lambda t: t.starts_at)
        if any(kept.term is term for kept in self.kept):
            return
        since = self.held_until(at)
        lot = self.lots.get((LADDER, self._first_run(term)))
        # What a term gave that was cut short ended with it.
        once = self.term_gave.get(term, 0) if self.rules.unit == "term" and not term.closed_at else 0
        open_then = [
            lot for (key, opens), lot in self.lots.items()
            if key == CARRIED and opens < since and lot.closes_at and lot.closes_at >= since
        ]  # fmt: skip
        self.kept.append(Kept(
            term, since, max(once - (lot.used if lot else 0), 0), sum((c.amount or 0) - c.used for c in open_then),
            max((c.closes_at for c in open_then if c.closes_at), default=None),
        ))  # fmt: skip

    def _recall(self, at: datetime) -> None:
        """On return what was left comes back; it goes when the order it came with is over or unmade."""
        for kept in self.kept:
            self._take_back(kept, at)
        term = self.current(at)
        for kept in self.kept if self.via == "term" and term and term.kind in ("paid", "gift") else []:
            if kept.is_decided:
                continue
            assert term is not None
            kept.is_decided, kept.returned = True, term
            age = self._date(term.starts_at) - self._date(kept.taken_at)
            if term.starts_at < kept.taken_at or age >= timedelta(days=180):
                continue
            until = kept.carried_until
            is_over = until is not None and until <= term.starts_at and not self._free_gave(until)
            if (amount := kept.once + (kept.carried if is_over else 0) - self._used_of(kept)) > 0:
                number = 10**12 + len(self.given)
                kept.backs.append(Given(number, amount, term.starts_at, term.end, priority=50))
                self.given.append(kept.backs[-1])

    def _take_back(self, kept: Kept, at: datetime) -> None:
        term = kept.returned
        if term is None:
            return
        rows = [t for t in self.terms if t.order == term.order]
        if not any(t.starts_at <= at < t.end and not t.is_unmade for t in rows):
            unmade = [t.voided_at for t in rows if t.voided_at]
            over = min(unmade) if unmade else max(t.end for t in rows if t.starts_at <= at)
            for given in kept.backs:
                if given.voided_at is None and (given.expires_at is None or given.expires_at > over):
                    given.voided_at = over
        is_void, is_refunded = any(t.voided_at for t in rows), any(t.refunded_at for t in rows)
        if is_void or (is_refunded and not self._used_of(kept)):
            kept.is_decided, kept.returned = False, None

    def _used_of(self, kept: Kept) -> int:
        numbers = {given.number for given in kept.backs}
        return sum(lot.used for (bucket, _), lot in self.lots.items() if bucket in numbers)

    def _date(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()

    def _free_gave(self, at: datetime) -> bool:
        """Whether the free tier gave it then: what was carried over went on being carried."""
        return [gives for since, gives in self.free_gives if since <= at][-1]

    def _ladder_bucket(self, at: datetime, allowance: tuple[int, datetime] | None) -> Open | None:
        if allowance is None:
            self.ladder_since = None
            return None
        amount, anchor = allowance
        start, end = usage_period(
            self.rules.unit, by_calendar=self.rules.by_calendar, zone=self.zone, anchor=anchor, at=at
        )
        given = (self.via, self._given_for(at), amount)
        if self.ladder_since is None or self.ladder_since[0] != given:
            self.ladder_since = given, at
        return Open(LADDER, amount, start, end, self._until(at), self.ladder_since[1])

    def _given_for(self, at: datetime) -> tuple[object, ...]:
        """What the ladder's grant is given for; another one makes another grant."""
        term = self.decides(at)
        return (term, self._until(at)) if term and self.via != "free" else ()

    def _until(self, at: datetime) -> datetime | None:
        term = self.current(at)
        if term is None or self.via == "free":
            return None
        return term.end if self.via == "term" else self.held_until(at)

    def _lot(self, bucket: Open) -> Lot:
        return self.lots.get((bucket.key, bucket.opens_at)) or Lot(bucket.closes_at, bucket.amount)

    def _carry_over(self, before: tuple[datetime, datetime | None, int], ladder: Open) -> None:
        start, end, amount = before
        assert end is not None
        kept, carried = self.lots.get((LADDER, start)), self.lots.get((CARRIED, start))
        left = max(amount - (kept.used if kept else 0), 0)
        left += (carried.amount or 0) - carried.used if carried else 0
        periods = max(periods_between(self.rules.unit, zone=self.zone, start=start, later=ladder.opens_at), 1)
        total = carried_over(
            left, allowance=ladder.amount or 0, periods=periods, at_least=self.rules.rollover_min,
            at_most=self.rules.rollover_max,
        )  # fmt: skip
        if total > 0 and (CARRIED, ladder.opens_at) not in self.lots:
            self.lots[CARRIED, ladder.opens_at] = Lot(ladder.closes_at, total)
