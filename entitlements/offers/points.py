"""The door for points that pay part of a price. Whoever keeps points registers here in its ``AppConfig.ready``.

Without it nobody has points, and the kind of offer that takes them cannot be chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from config.engine.registry import Registry


@dataclass(frozen=True)
class PointsDoor:
    """``balance(member_id, at)`` is what she can spend; ``spend(member_id, points, at, ref)`` takes it.

    ``spend`` runs in the transaction of the purchase, once per ``ref`` however often it is called, and raises
    PointsShort when she has fewer by then.
    """

    balance: Callable[[int, datetime], int]
    spend: Callable[[int, int, datetime, str], None]


class PointsShort(Exception):
    """She has fewer points than are to be spent."""


# Under one code, so that nobody can keep points beside another.
KEEPERS: Registry[PointsDoor] = Registry("points", code_of=lambda _door: "points")


def opened() -> PointsDoor | None:
    """The registered door, if any."""
    return KEEPERS.get("points")
