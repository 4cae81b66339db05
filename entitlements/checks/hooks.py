"""What the checks bring along."""

from config.console.work import WORK, WorkSource
from entitlements.checks.console import work


def register() -> None:
    """Called once, when the app is ready."""
    WORK.register(WorkSource("offended_invariants", 40, work.offences))
