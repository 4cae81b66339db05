"""What events say about two members being one person: they share a visitor, an address, a number.

Events only say so. Who keeps the pairs and lets a person judge registers here.
"""

from typing import Any, Protocol

from config.engine.registry import Registry


class NoteLikeness(Protocol):
    def __call__(self, *, found: str, params: dict[str, Any]) -> object:
        """``found`` is SQL that yields (member_id, other_id, reason) and reads ``params``."""


LISTENERS = Registry[NoteLikeness]("listeners to likeness")


def note_likeness(*, found: str, params: dict[str, Any]) -> None:
    """Tell whoever listens, in the caller's transaction."""
    for listen in LISTENERS:
        listen(found=found, params=params)
