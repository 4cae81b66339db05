"""What the ladder brings along."""

from config.console.work import WORK, WorkSource
from entitlements.ladder import dimensions
from entitlements.ladder.console import work


def register() -> None:
    """Called once, when the app is ready."""
    dimensions.register_all()
    WORK.register(WorkSource("ladders", 22, work.versions))
