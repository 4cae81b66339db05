"""What a change of the ladder is expected to cost. The standard library only."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

# Two-sided 80 % of the normal distribution.
Z80 = 1.2815515655446004
# A month is a twelfth of the Gregorian calendar's mean year.
MONTH_DAYS = 365.2425 / 12
_MONTHS = {"day": 1 / MONTH_DAYS, "week": 7 / MONTH_DAYS, "month": 1, "quarter": 3, "year": 12}
# Of a membership term that no plan gives its length.
TERM_MONTHS = 12.0


@dataclass(frozen=True)
class Estimate:
    """An expected amount and the ends of its 80 % interval."""

    expected: float
    low: float
    high: float

    def rounded(self) -> "Estimate":
        """The same in whole units."""
        return Estimate(round(self.expected), round(self.low), round(self.high))

    def times(self, factor: float) -> "Estimate":
        ends = sorted((self.low * factor, self.high * factor))
        return Estimate(self.expected * factor, *ends)


def months_in(unit: str, count: int = 1) -> float:
    """How many months so many days, weeks, months, quarters or years last."""
    return count * _MONTHS[unit]


def periods_a_month(period: str, terms: Iterable[tuple[float, int]]) -> float:
    """How many usage periods a month has; 1 where they never start again, for then there is no other.

    Membership terms last as ``terms`` say: (months, members) pairs; the mean is over the members.
    """
    if period == "never":
        return 1.0
    if period != "term":
        return 1 / months_in(period)
    lengths = list(terms)
    members = sum(count for _months, count in lengths)
    return sum(count / months for months, count in lengths) / members if members else 0.0


def wilson(successes: int, trials: int, z: float = Z80) -> Estimate:
    """A share and its interval (Wilson 1927, score interval); nothing tried says nothing: 0 to 1."""
    if trials == 0:
        return Estimate(0.0, 0.0, 1.0)
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Estimate(share, max(middle - half, 0.0), min(middle + half, 1.0))


def extra_use(more_granted: int, reached: int, entitled: int) -> Estimate:
    """How much of what is granted more (or less, below 0) will be used, if as many use it as do now."""
    return wilson(reached, entitled).times(more_granted)
