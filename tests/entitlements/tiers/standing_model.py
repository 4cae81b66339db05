"""What a member's tier is by the policy alone (docs/tiers.md), in plain Python.

Written from the policy and not from the product. It lives through time instant by instant: at each it knows the facts
that were known then, each at its own place in time, and judges by them. A fact that comes late takes the life back to
its place and lives it again in silence; what is different now is one change at the instant at which it became known.
"""

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CALENDAR, ANNIVERSARY, ROLLING = "calendar", "anniversary", "rolling"
NEVER, ONE_STEP, BY_BALANCE = "none", "one_step", "by_balance"
DAY = timedelta(days=1)
NEW_YEAR = date(2000, 1, 1)
SPEND, ACTIVE_DAYS, TENURE_DAYS = "spend", "active_days", "tenure_days"


def months_after(first: date, months: int) -> date:
    """Counted from the first date, the month's last day where there is none such."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, min(first.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True)
class Requirement:
    """What one tier asks: thresholds by measure, all of them or any."""

    position: int
    needs_all: bool
    thresholds: dict[str, int]


@dataclass(frozen=True)
class Policy:
    since: datetime
    period: str
    months: int
    downgrade: str
    grace_days: int
    asks: tuple[Requirement, ...]
    takes_back: bool = True


@dataclass(frozen=True)
class Back:
    """What went back of an amount; ``is_void``: the order never was, whatever the policy says of refunds."""

    known: datetime
    cents: int
    is_void: bool = False

    def counts(self, policy: Policy, at: datetime, known: datetime) -> bool:
        """As if the payment had never been as large; else from its own instant, in the year of the payment."""
        return self.known <= (known if policy.takes_back or self.is_void else at)


@dataclass
class Money:
    """An amount at its place in time, below zero what goes back of nothing known, and what went back of it."""

    happened: datetime
    known: datetime
    cents: int
    back: list[Back] = field(default_factory=list)


@dataclass
class Given:
    """A tier given by hand."""

    position: int
    since: datetime
    until: datetime | None
    ended: datetime | None = None

    def holds(self, at: datetime) -> bool:
        ends = min((end for end in (self.until, self.ended) if end), default=None)
        return self.since <= at and (ends is None or at < ends)


@dataclass(frozen=True)
class Earned:
    """The tier she earned, the date it is judged on, and the date it was reached."""

    position: int | None = None
    judged_on: date | None = None
    reached_on: date | None = None


NOTHING = Earned()


@dataclass(frozen=True)
class Standing:
    position: int | None
    via: str
    until: datetime | None
    judged_on: date | None
    reached_on: date | None


@dataclass
class TierLife:
    """One member: facts are told in the order in which they became known."""

    zone: str
    joined: datetime
    policies: list[Policy]
    money: list[Money] = field(default_factory=list)
    active: list[tuple[datetime, datetime]] = field(default_factory=list)  # (happened, known)
    given: list[Given] = field(default_factory=list)
    changes: list[tuple[datetime, int | None, int | None]] = field(default_factory=list)
    standing: Standing = Standing(None, "", None, None, None)

    def live(self, until: datetime) -> None:
        """From the first policy to ``until``; fills ``changes`` and ``standing``."""
        kept: list[tuple[datetime, Earned]] = [(self._began(), NOTHING)]
        was: int | None = None
        for at in self._instants(until):
            earned = self._relive(kept, at)
            hand = max((one.position for one in self.given if one.holds(at)), default=None)
            now = _highest(earned.position, hand)
            if now != was:
                self.changes.append((at, was, now))
            was = now
        self.standing = self._standing(kept[-1][1], until)

    def _began(self) -> datetime:
        return min(self.policies[0].since, self.joined) - DAY

    def _instants(self, until: datetime) -> list[datetime]:
        """Every instant at which something may become so."""
        first = max(self.joined, self.policies[0].since)
        found = {one.known for one in self.money} | {known for _, known in self.active}
        found |= {back.known for one in self.money for back in one.back}
        found |= {policy.since for policy in self.policies}
        found |= {edge for one in self.given for edge in (one.since, one.until, one.ended) if edge}
        found |= self._midnights(first, until) | {first}
        return sorted(at for at in found if first <= at <= until)

    def _midnights(self, first: datetime, until: datetime) -> set[datetime]:
        day, found = self._day(first), set()
        while (midnight := self._midnight(day)) <= until:
            found.add(midnight)
            day += DAY
        return found

    def _relive(self, kept: list[tuple[datetime, Earned]], at: datetime) -> Earned:
        """Judge at ``at``, after living again from the place of each fact that is known only now.

        ``kept`` holds what was earned at the instants before.
        """
        places = [one.happened for one in self.money if one.known == at]
        places += [happened for happened, known in self.active if known == at]
        places += [one.happened for one in self.money if any(back.known == at for back in one.back)]
        # Nothing is judged again by a policy that is in force no more.
        first = max(min([at, *places]), self._policy(at).since)
        while kept[-1][0] >= first and len(kept) > 1:
            kept.pop()
        again = {one.happened for one in self.money if one.known <= at}
        again |= {happened for happened, known in self.active if known <= at}
        again |= {policy.since for policy in self.policies} | self._midnights(kept[-1][0], at) | {at}
        begins = max(self.joined, self.policies[0].since)
        for instant in sorted(one for one in again if kept[-1][0] < one <= at and one >= begins):
            kept.append((instant, self._judge(kept[-1][1], instant, at)))
        return kept[-1][1]

    # One judgement

    def _judge(self, held: Earned, at: datetime, known: datetime) -> Earned:
        policy, today = self._policy(at), self._day(at)
        held = self._aligned(policy, held, today)
        if at == policy.since and policy.period != ROLLING:
            held = self._with_last_period(policy, held, today, at, known)
        earned = self._reached(policy, self._since(policy, held, today), today, at, known)
        if earned is not None and (held.position is None or earned > held.position):
            reached_on = today
            anchor = today if policy.period == ROLLING else self._anchor(policy, held, today)
            return Earned(earned, _boundary_after(policy, anchor, today), reached_on)
        while held.position is not None and held.judged_on is not None and today >= held.judged_on:
            after = self._judged(policy, held, today, earned, at, known)
            if after == held:
                break
            held = after
        return held

    def _with_last_period(self, policy: Policy, held: Earned, today: date, at: datetime, known: datetime) -> Earned:
        """What was reached in the period that was over when the policy began counts as reached in it."""
        begins = self._since(policy, held, today)
        first = self._boundary(policy, begins, held, -1)
        reached = self._reached(policy, first, begins - DAY, at, known)
        if reached is not None and reached > (-1 if held.position is None else held.position):
            return Earned(reached, begins, begins - DAY)
        return held

    def _judged(
        self, policy: Policy, held: Earned, today: date, earned: int | None, at: datetime, known: datetime
    ) -> Earned:
        """On the day of judgement or in the grace after it."""
        anchor = self._anchor(policy, held, today)
        ended = self._reached(policy, self._boundary(policy, held.judged_on, held, -1), held.judged_on - DAY, at, known)
        following = _boundary_after(policy, anchor, held.judged_on)
        if ended is not None and ended >= held.position:
            return Earned(held.position, following, held.reached_on)
        if earned == held.position:
            start = today if policy.period == ROLLING else anchor
            return Earned(held.position, _boundary_after(policy, start, today), today)
        if policy.downgrade == NEVER:
            return Earned(held.position, following, held.reached_on)
        if today < held.judged_on + policy.grace_days * DAY:
            return held
        position = _highest(earned, ended)
        if policy.downgrade == ONE_STEP:
            below = [ask.position for ask in policy.asks if ask.position < held.position and ask.thresholds]
            position = _highest(position, max(below, default=None))
        return NOTHING if position is None else Earned(position, following, held.reached_on)

    def _aligned(self, policy: Policy, held: Earned, today: date) -> Earned:
        """Judged at an end of this policy's periods, no earlier than was promised."""
        if held.judged_on is None or held.judged_on <= today:
            return held
        anchor = self._anchor(policy, held, today)
        return Earned(held.position, _boundary_after(policy, anchor, held.judged_on - DAY), held.reached_on)

    def _standing(self, held: Earned, at: datetime) -> Standing:
        given = max((one for one in self.given if one.holds(at)), key=lambda one: one.position, default=None)
        if given and given.position > (-1 if held.position is None else held.position):
            return Standing(given.position, "manual", given.until, held.judged_on, held.reached_on)
        if held.position is None:
            return Standing(None, "", None, None, None)
        return Standing(held.position, "qualified", self._lasts(held, at), held.judged_on, held.reached_on)

    def _lasts(self, held: Earned, at: datetime) -> datetime | None:
        """Until when the tier holds by what is counted so far."""
        policy, today = self._policy(at), self._day(at)
        if policy.downgrade == NEVER:
            return None
        ends_on = held.judged_on
        if today < held.judged_on:
            so_far = self._reached(policy, self._boundary(policy, held.judged_on, held, -1), today, at, at)
            if so_far is not None and so_far >= held.position:
                ends_on = _boundary_after(policy, self._anchor(policy, held, today), held.judged_on)
        return self._midnight(ends_on + policy.grace_days * DAY)

    # What is counted

    def _policy(self, at: datetime) -> Policy:
        return max((one for one in self.policies if one.since <= at), key=lambda one: one.since)

    def _anchor(self, policy: Policy, held: Earned, today: date) -> date:
        if policy.period == CALENDAR:
            return NEW_YEAR
        return self._day(self.joined) if policy.period == ANNIVERSARY else held.reached_on or today

    def _boundary(self, policy: Policy, day: date, held: Earned, step: int) -> date:
        """The boundary a step from the one ``day`` is."""
        anchor = self._anchor(policy, held, day)
        length = policy.months if policy.period == ROLLING else 12
        n = 0
        while months_after(anchor, length * n) < day:
            n += 1
        while months_after(anchor, length * n) > day:
            n -= 1
        if step < 0 and months_after(anchor, length * n) < day:
            n += 1
        return months_after(anchor, length * (n + step))

    def _since(self, policy: Policy, held: Earned, today: date) -> date:
        """The first date that counts towards a higher tier."""
        if policy.period == ROLLING:
            return months_after(today, -policy.months)
        return self._boundary(policy, today + DAY, held, -1)

    def _reached(self, policy: Policy, first: date, last: date, at: datetime, known: datetime) -> int | None:
        """The highest tier whose requirement the days from ``first`` to ``last`` meet, up to the instant ``at``."""
        values = self._values(policy, first, last, at, known)
        met = [
            ask.position
            for ask in policy.asks
            if ask.thresholds
            and (all if ask.needs_all else any)(values[code] >= least for code, least in ask.thresholds.items())
        ]
        return max(met, default=None)

    def _values(self, policy: Policy, first: date, last: date, at: datetime, known: datetime) -> dict[str, int]:
        spent = 0
        for one in self.money:
            if one.known <= known and one.happened <= at and first <= self._day(one.happened) <= last:
                spent += one.cents - sum(back.cents for back in one.back if back.counts(policy, at, known))
        days = {
            self._day(happened)
            for happened, when in self.active
            if when <= known and happened <= at and first <= self._day(happened) <= last
        }
        return {
            SPEND: max(spent, 0),
            ACTIVE_DAYS: len(days),
            TENURE_DAYS: max((min(last, self._day(at)) - self._day(self.joined)).days, 0),
        }

    def _day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)


def _boundary_after(policy: Policy, anchor: date, day: date) -> date:
    length = policy.months if policy.period == ROLLING else 12
    n = 0
    while months_after(anchor, length * n) > day:
        n -= 1
    while months_after(anchor, length * n) <= day:
        n += 1
    return months_after(anchor, length * n)


def _highest(*positions: int | None) -> int | None:
    return max((position for position in positions if position is not None), default=None)
