"""The conditions about members themselves; higher apps register theirs in the same way."""

from members.segments import registry
from members.segments.conditions import belonging, events, figures, membership, profile, sequences, states


def register_all() -> None:
    """Open the builder to everything members know."""
    registry.register(*profile.ALL, *states.ALL, *membership.ALL, *figures.ALL, *events.ALL, sequences.EventSequence)


def register_belonging() -> None:
    """Segments read segments; in the picker they stand behind the tags."""
    registry.register(*belonging.ALL)
