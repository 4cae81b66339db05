"""The door for points that pay part of a price. Whoever keeps points registers here in its ``AppConfig.ready``.

Without it nobody has points, and the kind of offer that takes them cannot be chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


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


_door: list[PointsDoor] = []


def register(door: PointsDoor) -> None:
    """Let points be spent on offers; a second time replaces the first."""
    _door[:] = [door]


def opened() -> PointsDoor | None:
    """The registered door, if any."""
    return _door[0] if _door else None
