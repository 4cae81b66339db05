"""What campaigns bring along."""

from django.utils.translation import gettext_lazy as _

from campaigns import belongings, import_undo, policy_effects, segment_reach, timeline_source
from campaigns.audit_labels import LABELS
from campaigns.console import home, work
from config.console import searches
from config.console.cards import HOME, HomeCard
from config.console.menu import MENU, OPERATIONS, MenuEntry
from config.console.work import WORK, WorkSource
from config.engine.actions import register_actions


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    timeline_source.register()
    policy_effects.register()
    import_undo.register()
    segment_reach.register()
    belongings.register()
    WORK.register(WorkSource("unknown_deliveries", 60, work.unknown_deliveries))
    HOME.register(HomeCard("messages_today", 30, "campaigns/includes/home.html", home.messages_today))
    searches.LISTS.register("campaigns:messages", code="messages")
    MENU.register(MenuEntry(_("Messages"), "campaigns:messages", "mail", OPERATIONS, 10))
