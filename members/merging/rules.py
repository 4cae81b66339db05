"""How much a sign that two members are one person weighs, and what of two values stays when they are merged."""

from collections.abc import Iterable

STRONGEST = 100

# Reason → weight. Beside several signs the weights add up; from ``STRONG`` on it is hardly chance.
WEIGHTS = {
    "alias": 95,
    "unionid": 95,
    "openid": 90,
    "phone": 85,
    "email": 80,
    "anonymous_id": 45,
    "name_birthday": 40,
    "name_city": 15,
}
STRONG = 80
MIDDLING = 40


def strength_of(reasons: Iterable[str]) -> int:
    """The weight of all reasons together, at most ``STRONGEST``."""
    return min(sum(WEIGHTS[reason] for reason in set(reasons)), STRONGEST)


def grade_of(strength: int) -> str:
    """``strong``, ``middling`` or ``weak``."""
    if strength >= STRONG:
        return "strong"
    return "middling" if strength >= MIDDLING else "weak"
