"""What imports bring along."""

from config.console.cards import HOME, HomeCard
from config.console.work import WORK, WorkSource
from config.staff.access import Permission
from members.imports.console import home, work


def register() -> None:
    """Called once, when the app is ready."""
    WORK.register(WorkSource("imports", 80, work.runs, Permission.IMPORT))
    HOME.register(HomeCard("jobs", 10, "imports/includes/home.html", home.running_jobs))
