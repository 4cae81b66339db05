"""What honours bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from config.engine.actions import register_actions
from entitlements.honours import belongings, conditions, timeline_source
from entitlements.honours.audit_labels import LABELS
from entitlements.honours.console.portrait import MemberHonours, read_marks
from members.people.console.cards import CARDS, Card
from members.people.console.marks import MARKS


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    belongings.register_all()
    conditions.register_all()
    timeline_source.register()
    CARDS.register(Card("honours", "honours/includes/member.html", MemberHonours))
    MARKS.register(read_marks, code="honours")
    MENU.register(MenuEntry(_("Honours & advisers"), "honours:index", "rubber-stamp", BENEFITS, 70))
