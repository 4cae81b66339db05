"""What offers bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from config.engine.actions import register_actions
from entitlements.offers import belongings, conditions, scope, timeline_source
from entitlements.offers.audit_labels import LABELS
from entitlements.offers.console import portrait


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    belongings.register_all()
    conditions.register_all()
    timeline_source.register()
    portrait.register()
    scope.register()
    MENU.register(MenuEntry(_("Offers"), "offers:index", "ticket", BENEFITS, 40))
