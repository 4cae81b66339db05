"""How tiers are earned, kept and lost, for one member. The standard library only: no clock, no database.

``entitlements.tiers.querysets.assessment`` says the same in SQL for any number of members; a test holds the two equal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from members.terms.rules import add_months

CALENDAR, ANNIVERSARY, ROLLING = "calendar", "anniversary", "rolling"
NONE, ONE_STEP, BY_BALANCE = "none", "one_step", "by_balance"
EPOCH = date(2000, 1, 1)
DAY = timedelta(days=1)

Values = Mapping[str, int]


@dataclass(frozen=True)
class Rung:
    """What one tier asks: thresholds by measure, all of them or any."""

    tier_id: int
    position: int
    needs_all: bool
    thresholds: tuple[tuple[str, int], ...]

    def is_reached(self, values: Values) -> bool:
        passed = [values.get(measure, 0) >= threshold for measure, threshold in self.thresholds]
        return bool(passed) and (all(passed) if self.needs_all else any(passed))


@dataclass(frozen=True)
class Terms:
    """A policy's terms. ``rungs`` go from the lowest tier to the highest."""

    period: str
    months: int
    downgrade: str
    grace_days: int
    notice_days: int
    plan_is_floor: bool
    gap_measure: str
    rungs: tuple[Rung, ...]

    @property
    def step(self) -> int:
        """Months from one end of a period to the next."""
        return self.months if self.period == ROLLING else 12

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures the rules read, in order of first use, and the one the gap is told in."""
        read = [measure for rung in self.rungs for measure, _ in rung.thresholds]
        return tuple(dict.fromkeys([*read, self.gap_measure]))


@dataclass(frozen=True)
class Held:
    """The qualified tier as it stands: its position, the local date it is judged on, and the date it was reached."""

    position: int | None = None
    judged_on: date | None = None
    anchor_on: date | None = None


@dataclass(frozen=True)
class Judgement:
    """What becomes of a member. Dates are their local dates; ``until_on`` None: for good.

    On ``falls_on`` the tier that counts goes down to ``left``; None: it stays, or nothing is known to end it.
    """

    verdict: str
    held: Held
    until_on: date | None
    left: int | None
    falls_on: date | None
    is_noticed: bool
    next_position: int | None
    gap: int | None
    is_due_again: bool


def boundary_after(terms: Terms, day: date, anchor: date) -> date:
    """The first end of a period later than ``day``; periods are counted from ``anchor`` and never drift."""
    found = _boundary(terms, day, anchor, 0)
    return found if found > day else _boundary(terms, day, anchor, 1)


def boundary_before(terms: Terms, day: date, anchor: date) -> date:
    """The last end of a period before ``day``."""
    found = _boundary(terms, day - DAY, anchor, 0)
    return found if found < day else _boundary(terms, day - DAY, anchor, -1)


def _boundary(terms: Terms, day: date, anchor: date, shift: int) -> date:
    months = 12 * (day.year - anchor.year) + day.month - anchor.month
    return add_months(anchor, terms.step * (months // terms.step + shift))


def anchor_of(terms: Terms, held: Held, today: date, joined_on: date) -> date:
    """The date from which this member's periods are counted."""
    if terms.period == CALENDAR:
        return EPOCH
    return joined_on if terms.period == ANNIVERSARY else held.anchor_on or today


def settled(terms: Terms, held: Held, today: date, joined_on: date) -> Held:
    """The tier held, judged at an end of this policy's periods: those of a former policy may end elsewhere."""
    if held.judged_on is None or held.judged_on <= today:
        return held
    anchor = anchor_of(terms, held, today, joined_on)
    return Held(held.position, boundary_after(terms, max(held.judged_on - DAY, today), anchor), held.anchor_on)


def earning_since(terms: Terms, held: Held, today: date, joined_on: date) -> date:
    """The first date whose facts count towards a higher tier."""
    if terms.period == ROLLING:
        return add_months(today, -terms.months)
    return boundary_before(terms, today + DAY, anchor_of(terms, held, today, joined_on))


def reached(terms: Terms, values: Values) -> int | None:
    """The position of the highest tier whose requirement holds."""
    return max((rung.position for rung in terms.rungs if rung.is_reached(values)), default=None)


def highest(*positions: int | None) -> int | None:
    return max((position for position in positions if position is not None), default=None)


def verdict_of(terms: Terms, held: Held, today: date, earned: int | None, kept: int | None) -> str:
    """What the facts say: ``up``, ``none``, ``hold``, ``keep``, ``again``, ``grace`` or ``down``."""
    if earned is not None and (held.position is None or earned > held.position):
        return "up"
    if held.position is None or held.judged_on is None:
        return "none"
    if today < held.judged_on:
        return "hold"
    if kept is not None and kept >= held.position:
        return "keep"
    if earned == held.position:
        return "again"
    if terms.downgrade == NONE:
        return "keep"
    return "grace" if today < held.judged_on + timedelta(days=terms.grace_days) else "down"


def lower(terms: Terms, position: int, *balances: int | None) -> int | None:
    """Where a downgrade from ``position`` leads: a step down or to the balances."""
    below = (rung.position for rung in terms.rungs if rung.position < position)
    step = highest(*below) if terms.downgrade == ONE_STEP else None
    return highest(step, *balances)


def judge(
    terms: Terms,
    held: Held,
    *,
    today: date,
    joined_on: date,
    now: Values,
    period: Values,
    term_position: int | None = None,
    manual_position: int | None = None,
    other_on: Callable[[date], int | None] = lambda day: None,
) -> Judgement:
    """What becomes of a member on a local date.

    ``held`` is ``settled``; ``now`` are the measures since ``earning_since``, ``period`` those from the boundary before
    ``held.judged_on`` up to it (or up to now); ``term_position`` is of the tier they bought, ``manual_position`` of one
    given by hand, ``other_on`` says the higher of those two on a later date.
    """
    floor = term_position if terms.plan_is_floor else None
    earned, kept = reached(terms, now), reached(terms, period)
    verdict = verdict_of(terms, held, today, earned, kept)
    after = _after(terms, held, verdict, today=today, joined_on=joined_on, balances=(earned, kept))
    so_far, is_secured = _so_far(terms, after, verdict, earned, kept)
    until_on = falls_on = left = None
    if after.position is not None and after.judged_on is not None and terms.downgrade != NONE:
        grace = timedelta(days=terms.grace_days)
        anchor = anchor_of(terms, after, today, joined_on)
        ends_on = boundary_after(terms, after.judged_on, anchor) if is_secured else after.judged_on
        until_on = ends_on + grace
        falls_to = after.position if is_secured else lower(terms, after.position, *so_far)
        left = highest(falls_to, other_on(until_on))
        falls_on = until_on if left is None or left < after.position else None
    is_noticed = falls_on is not None and today >= falls_on - timedelta(days=terms.notice_days)
    next_rung = _next_rung(terms, highest(after.position, floor, manual_position))
    gap = _gap(terms, next_rung, now)
    is_again = verdict in ("keep", "down") and after.judged_on is not None and after.judged_on <= today
    next_position = next_rung.position if next_rung else None
    return Judgement(verdict, after, until_on, left, falls_on, is_noticed, next_position, gap, is_again)


def _after(
    terms: Terms,
    held: Held,
    verdict: str,
    *,
    today: date,
    joined_on: date,
    balances: tuple[int | None, int | None],
) -> Held:
    if verdict in ("none", "hold", "grace"):
        return held
    if verdict in ("up", "again"):
        anchor = today if terms.period == ROLLING else anchor_of(terms, held, today, joined_on)
        return Held(balances[0], boundary_after(terms, today, anchor), today)
    assert held.position is not None
    assert held.judged_on is not None
    position = held.position if verdict == "keep" else lower(terms, held.position, *balances)
    if position is None:
        return Held()
    anchor_on = anchor_of(terms, held, today, joined_on)
    return Held(position, boundary_after(terms, held.judged_on, anchor_on), held.anchor_on)


def _so_far(
    terms: Terms, after: Held, verdict: str, earned: int | None, kept: int | None
) -> tuple[tuple[int | None, ...], bool]:
    """The balances on which the tier will be judged as they are now, and whether they keep it already."""
    if verdict in ("up", "again"):
        return (earned,), True
    if verdict == "grace":
        return (earned, kept), False
    found = kept if verdict == "hold" else None if terms.period == ROLLING else earned
    return (found,), after.position is not None and found is not None and found >= after.position


def _next_rung(terms: Terms, above: int | None) -> Rung | None:
    return next((rung for rung in terms.rungs if above is None or rung.position > above), None)


def _gap(terms: Terms, rung: Rung | None, now: Values) -> int | None:
    threshold = dict(rung.thresholds).get(terms.gap_measure) if rung else None
    return None if threshold is None else max(threshold - now.get(terms.gap_measure, 0), 0)
