"""What counters bring along."""

from members.counters.models import EventTally
from members.people.belongings import register_staying


def register() -> None:
    """Called once, when the app is ready."""
    register_staying(EventTally, "member", "counted again from the events, which move")
