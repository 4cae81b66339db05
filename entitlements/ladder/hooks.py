"""What the ladder brings along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from config.console.work import WORK, WorkSource
from entitlements.ladder import dimensions
from entitlements.ladder.console import work


def register() -> None:
    """Called once, when the app is ready."""
    dimensions.register_all()
    WORK.register(WorkSource("ladders", 22, work.versions))
    MENU.register(MenuEntry(_("Tiers & benefits"), "ladder:index", "stairs-up", BENEFITS, 10))
