"""What plans and tiers bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import MENU, SYSTEM, MenuEntry
from config.console.palette import ACTIONS, PaletteAction
from config.staff.access import Permission


def register() -> None:
    """Called once, when the app is ready."""
    MENU.register(
        MenuEntry(_("Plans & tiers"), "members:plans", "adjustments-horizontal", SYSTEM, 40, Permission.ADMINISTER)
    )
    ACTIONS.register(PaletteAction(_("New plan"), "members:plan-new", "plus", 50, Permission.ADMINISTER, "方案 套餐"))
