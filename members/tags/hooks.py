"""What tags bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import MEMBERS, MENU, MenuEntry


def register() -> None:
    """Called once, when the app is ready."""
    MENU.register(MenuEntry(_("Tags"), "tags:index", "tag", MEMBERS, 30))
