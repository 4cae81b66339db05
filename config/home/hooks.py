"""What the first page, the audit log and the raw records bring along."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.console.menu import MENU, SYSTEM, TOP, MenuEntry
from config.staff.access import Permission


def register() -> None:
    """Called once, when the roof is ready."""
    MENU.register(MenuEntry(pgettext_lazy("menu", "Today"), "console:home", "layout-dashboard", TOP, 10))
    MENU.register(MenuEntry(_("Audit log"), "console:audit", "history", SYSTEM, 10))
    MENU.register(MenuEntry(_("Administration"), "admin:index", "database", SYSTEM, 50, Permission.ADMINISTER))
