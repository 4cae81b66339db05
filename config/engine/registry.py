"""The one kind of registry: what a room brings along, a mechanism of a lower room finds here.

A room registers in its app's ``AppConfig.ready``; whoever reads asks later, so that the order of apps is no matter.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind under their codes, in order of registration.

    ``code_of`` reads a thing's own code, for registries whose things carry one. A code is registered once: two rooms
    that claim the same one are a fault of the house, found at its start.
    """

    every: "list[Registry[object]]" = []

    def __init__(self, name: str, *, code_of: Callable[[T], str] | None = None) -> None:
        self.name = name
        self._code_of = code_of
        self._things: dict[str, T] = {}
        Registry.every.append(self)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"<Registry {self.name}: {len(self)}>"

    def register(self, thing: T, *, code: str = "") -> T:
        """Add ``thing`` under ``code``, else under its own. Raises ValueError for a code that is taken."""
        key = code or (self._code_of(thing) if self._code_of else "")
        if not key:
            raise ValueError(f"{self.name}: what is registered needs a code")
        if self._things.get(key, thing) is not thing:
            raise ValueError(f"{self.name}: {key} is registered already")
        self._things[key] = thing
        return thing

    def register_all(self, things: Iterable[T]) -> None:
        """Add things that carry their codes."""
        for thing in things:
            self.register(thing)

    def get(self, code: str) -> T | None:
        """The thing under ``code``; None where nobody registered it."""
        return self._things.get(code)

    def __getitem__(self, code: str) -> T:
        """The thing under ``code``. Raises KeyError where nobody registered it."""
        return self._things[code]

    def all(self) -> tuple[T, ...]:
        """Every thing, in order of registration."""
        return tuple(self._things.values())

    def codes(self) -> tuple[str, ...]:
        """Every code, in order of registration."""
        return tuple(self._things)

    def items(self) -> tuple[tuple[str, T], ...]:
        """Every (code, thing), in order of registration."""
        return tuple(self._things.items())

    def __contains__(self, code: object) -> bool:
        return code in self._things

    def __iter__(self) -> Iterator[T]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(self._things)
