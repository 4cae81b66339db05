"""What entitlement memory adds to the apps below: a card, timeline entries, the price of a locked renewal."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from entitlements.memory import conditions, consequences
from entitlements.memory.console.pages import RULES
from entitlements.memory.console.portrait import MemoryPortrait
from entitlements.memory.models import EntitlementSnapshot, RenewalLock
from entitlements.memory.operations.locking import locked_price
from entitlements.memory.timeline_source import memories
from members.imports.operations.undo import FOLLOWERS, Follower
from members.people.belongings import BELONGINGS, Belonging
from members.people.console.cards import CARDS, Card
from members.people.console.timeline import SOURCES, Source
from members.terms.renewal_prices import AGREED_PRICES


def register() -> None:
    """Called once, when the app is ready."""
    BELONGINGS.register(Belonging(EntitlementSnapshot, _("Entitlement memories")))
    BELONGINGS.register(Belonging(RenewalLock, _("Renewal locks")))
    FOLLOWERS.register(Follower(EntitlementSnapshot, blocking=Q(member=None)))
    CARDS.register(Card("memory", "memory/includes/member.html", MemoryPortrait))
    SOURCES.register(Source("memory", _("Losing and returning"), memories, follows="term"))
    AGREED_PRICES.register(locked_price, code="lock")
    conditions.register_all()
    consequences.register()
    MENU.register(MenuEntry(_("Entitlement memory"), "memory:rule", "history", BENEFITS, 80))
    RULES.register()
