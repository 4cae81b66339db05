"""What looks ahead bring along."""

from members.foreseen.models import ForeseenChange
from members.people.belongings import register_staying


def register() -> None:
    """Called once, when the app is ready."""
    register_staying(
        ForeseenChange, "member", "what was foreseen then; its list leads to whom the member was merged into"
    )
