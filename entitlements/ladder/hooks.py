"""What the ladder brings along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from entitlements.ladder.console.pages import LADDER


def register() -> None:
    """Called once, when the app is ready."""
    MENU.register(MenuEntry(_("Tiers & benefits"), "ladder:index", "stairs-up", BENEFITS, 10))
    LADDER.register()
