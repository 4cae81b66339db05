"""What entitlement memory adds to the apps below: a card, timeline entries, the price of a locked renewal."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from entitlements.memory import conditions
from entitlements.memory.console.portrait import MemoryPortrait
from entitlements.memory.operations.locking import locked_price
from entitlements.memory.timeline_source import memories
from members.people.console import cards, timeline
from members.terms import renewal_prices


def register() -> None:
    """Called once, when the app is ready."""
    cards.register("memory", "memory/includes/member.html", MemoryPortrait)
    timeline.register("memory", _("Losing and returning"), memories, follows="term")
    renewal_prices.register("lock", locked_price)
    conditions.register_all()
    MENU.register(MenuEntry(_("Entitlement memory"), "memory:rule", "history", BENEFITS, 80))
