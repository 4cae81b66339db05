"""Which rolling counters anybody reads: the door behind which rules say so."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class CounterKey:
    """Events of one name in the window of ``window_seconds`` up to the instant of looking, both ends included."""

    event: str
    window_seconds: int


_readers: dict[str, Callable[[], Iterable[CounterKey]]] = {}


def register_reader(name: str, wanted: Callable[[], Iterable[CounterKey]]) -> None:
    """Let ``wanted`` say which counters a kind of rule reads now; a second time under a name replaces the first."""
    _readers[name] = wanted


def wanted_counters() -> frozenset[CounterKey]:
    """Every counter that some live rule reads."""
    return frozenset(key for wanted in _readers.values() for key in wanted())
