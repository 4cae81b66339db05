"""The conditions about members themselves; higher apps register theirs in the same way."""

from members.segments.conditions import belonging, events, figures, membership, profile, sequences, states
from members.segments.registry import CONDITIONS


def register_all() -> None:
    """Open the builder to everything members know."""
    CONDITIONS.register_all(
        [*profile.ALL, *states.ALL, *membership.ALL, *figures.ALL, *events.ALL, sequences.EventSequence]
    )


def register_belonging() -> None:
    """Segments read segments; in the picker they stand behind the tags."""
    CONDITIONS.register_all(belonging.ALL)
