"""What imports bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.cards import HOME, HomeCard
from config.console.menu import MEMBERS, MENU, MenuEntry
from config.console.palette import ACTIONS, PaletteAction
from config.console.work import WORK, WorkSource
from config.staff.access import Permission
from members.imports.console import home, work


def register() -> None:
    """Called once, when the app is ready."""
    WORK.register(WorkSource("imports", 80, work.runs, Permission.IMPORT))
    HOME.register(HomeCard("jobs", 10, "imports/includes/home.html", home.running_jobs))
    MENU.register(MenuEntry(_("Imports & exports"), "imports:index", "database-import", MEMBERS, 60, Permission.IMPORT))
    ACTIONS.register(
        PaletteAction(
            _("Import a file"), "imports:new", "file-upload", 20, Permission.IMPORT, "csv xlsx upload 导入 上传"
        )
    )
