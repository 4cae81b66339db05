"""What imports bring along."""

from config.console.work import WORK, WorkSource
from config.staff.access import Permission
from members.imports.console import work


def register() -> None:
    """Called once, when the app is ready."""
    WORK.register(WorkSource("imports", 80, work.runs, Permission.IMPORT))
