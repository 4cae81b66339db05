"""What value brings along."""

from django.utils.translation import pgettext_lazy

from config.console.menu import MEMBERS, MENU, MenuEntry
from members.people.belongings import register_staying
from members.value import conditions
from members.value.models import GroupChange, MemberValue


def register() -> None:
    """Called once, when the app is ready."""
    conditions.register_all()
    register_staying(MemberValue, "member", "scored again each night; who was merged is then left out")
    register_staying(GroupChange, "member", "append-only: the log says what was so at the time")
    MENU.register(MenuEntry(pgettext_lazy("menu", "Value"), "value:overview", "diamond", MEMBERS, 40))
