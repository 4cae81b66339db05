"""What value brings along."""

from django.utils.translation import pgettext_lazy

from config.console.menu import MEMBERS, MENU, MenuEntry
from members.value import conditions


def register() -> None:
    """Called once, when the app is ready."""
    conditions.register_all()
    MENU.register(MenuEntry(pgettext_lazy("menu", "Value"), "value:overview", "diamond", MEMBERS, 40))
