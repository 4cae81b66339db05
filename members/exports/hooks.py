"""What exports bring along."""

from members.exports.models import EventRecord
from members.people.belongings import register_staying


def register() -> None:
    """Called once, when the app is ready."""
    register_staying(EventRecord, "member", "the table of Event under another key")
