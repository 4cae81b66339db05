"""What else a change of policy sets in motion: a higher app registers a counter, the policy preview lists it."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from config.engine.registry import Registry

Moves = Counter[tuple[str | None, str]]


@dataclass(frozen=True)
class Effect:
    """``count`` messages (or other acts) of one sort that the moves would cause."""

    label: str | Promise
    count: int


# ``counter(moves, at)`` names what the from→to ``moves`` of a sweep at ``at`` would cause. It writes nothing.
EffectCounter = Callable[[Moves, datetime], Iterable[Effect]]

EFFECTS: Registry[EffectCounter] = Registry("effects of a policy")


def effects_of(moves: Moves, at: datetime) -> list[Effect]:
    """Everything the registered counters expect from these moves."""
    return [effect for counter in EFFECTS for effect in counter(moves, at)]
