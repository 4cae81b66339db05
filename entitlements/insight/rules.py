"""When a benefit is worth replacing, and the shades of the heat map. Pure arithmetic."""

from datetime import date

# Fewer entitled than this say nothing about a benefit.
ENTITLED_MIN = 20
BOTTOM = 5
# A share from which each darker shade begins; most benefits are used by few.
SHADES_FROM = (0.0, 0.05, 0.15, 0.3, 0.5)


def months_back(today: date, count: int) -> list[date]:
    """The first days of the last ``count`` months, the oldest first, this month last."""
    index = today.year * 12 + today.month - 1
    return [date((index - n) // 12, (index - n) % 12 + 1, 1) for n in reversed(range(count))]


def share(part: int, whole: int | None) -> float | None:
    """Part of the whole, at most 1; None without a whole."""
    return min(1.0, part / whole) if whole else None


def shade(value: float | None) -> int:
    """0 (nothing) to 5 for a share; what is more than nothing is seen."""
    return sum(value > start for start in SHADES_FROM) if value else 0


def suggestion(reach: float, cost_cents: int, is_core: bool) -> str:
    """What to do about a benefit few use: ``teach`` a core one, ``replace`` one that cost something, else ``drop`` or
    ``promote``.

    ``cost_cents`` is what all uses came to, not the price of one: what nobody used has cost nothing. Reach under 5 % of
    those who have it is next to nobody.
    """
    if is_core:
        return "teach"
    if cost_cents:
        return "replace"
    return "drop" if reach < 0.05 else "promote"
