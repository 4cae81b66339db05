"""Which rolling counters anybody reads: the door behind which rules say so."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from config.engine.registry import Registry


@dataclass(frozen=True, order=True)
class CounterKey:
    """Events of one name in the window of ``window_seconds`` up to the instant of looking, both ends included."""

    event: str
    window_seconds: int


# Each says which counters a kind of rule reads now.
COUNTER_READERS: Registry[Callable[[], Iterable[CounterKey]]] = Registry("counter readers")


def wanted_counters() -> frozenset[CounterKey]:
    """Every counter that some live rule reads."""
    return frozenset(key for wanted in COUNTER_READERS for key in wanted())
