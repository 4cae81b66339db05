"""What seats bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from config.engine.actions import register_actions
from entitlements.seats import belongings, conditions, timeline_source
from entitlements.seats.audit_labels import LABELS
from entitlements.seats.console import portrait


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    belongings.register_all()
    conditions.register_all()
    timeline_source.register()
    portrait.register()
    MENU.register(MenuEntry(_("Family & team seats"), "seats:index", "users", BENEFITS, 60))
