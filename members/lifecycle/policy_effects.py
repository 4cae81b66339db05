"""What else a change of policy sets in motion: a higher app registers a counter, the policy preview lists it."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

Moves = Counter[tuple[str | None, str]]


@dataclass(frozen=True)
class Effect:
    """``count`` messages (or other acts) of one sort that the moves would cause."""

    label: str | Promise
    count: int


EffectCounter = Callable[[Moves, datetime], Iterable[Effect]]

_counters: dict[str, EffectCounter] = {}


def register(code: str, counter: EffectCounter) -> None:
    """``counter(moves, at)`` names what the from→to ``moves`` of a sweep at ``at`` would cause. It writes nothing."""
    _counters[code] = counter


def effects_of(moves: Moves, at: datetime) -> list[Effect]:
    """Everything the registered counters expect from these moves."""
    return [effect for counter in _counters.values() for effect in counter(moves, at)]


def is_listened_to() -> bool:
    """Whether anybody counts effects at all."""
    return bool(_counters)
