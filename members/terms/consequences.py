"""What else a verb of terms changes with a member, told before the press. Rooms above register theirs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.engine.registry import Registry


@dataclass(frozen=True)
class Effect:
    """One sentence about what comes, or comes back (``is_gain``), or ends; ``things`` are the names it is about."""

    text: str
    is_gain: bool
    things: tuple[str, ...] = ()


def no_follow(_member_id: int, _at: datetime) -> None:
    """Nothing has to be brought in line."""


@dataclass(frozen=True)
class Consequence:
    """What one room makes of it. ``read`` says what the member has, before and after.

    ``follow`` does between the two what the room's workers would do within seconds; in a transaction that is taken
    back, so it may change nothing but the database. ``tell`` puts the difference into words, in the language in force.
    """

    code: str
    read: Callable[[int, datetime], Any]
    tell: Callable[[Any, Any], Iterable[Effect]]
    follow: Callable[[int, datetime], None] = no_follow


CONSEQUENCES: Registry[Consequence] = Registry("consequences of terms", code_of=lambda one: one.code)
