"""What honours bring along."""

from django.utils.translation import gettext_lazy as _

from config.audit.labels import register_actions
from config.console.menu import BENEFITS, MENU, MenuEntry
from entitlements.honours import belongings, conditions, timeline_source
from entitlements.honours.audit_labels import LABELS
from entitlements.honours.console.portrait import MemberHonours, read_marks
from members.people.console import cards, marks


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    belongings.register_all()
    conditions.register_all()
    timeline_source.register()
    cards.register("honours", "honours/includes/member.html", MemberHonours)
    marks.register("honours", read_marks)
    MENU.register(MenuEntry(_("Honours & advisers"), "honours:index", "rubber-stamp", BENEFITS, 70))
