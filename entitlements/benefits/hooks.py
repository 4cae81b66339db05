"""What benefits bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry


def register() -> None:
    """Called once, when the app is ready."""
    MENU.register(MenuEntry(_("Use & worth"), "benefits:index", "star", BENEFITS, 20))
