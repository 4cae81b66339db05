"""What honours bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from config.engine.actions import register_actions
from entitlements.honours import conditions, timeline_source
from entitlements.honours.audit_labels import LABELS
from entitlements.honours.console.portrait import MemberHonours, read_marks
from entitlements.honours.models import AdviserAssignment, HonourAward
from members.people.belongings import BELONGINGS, Belonging
from members.people.console.cards import CARDS, Card
from members.people.console.marks import MARKS


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    # Of two places on a list the better one stays, of two advisers the first.
    BELONGINGS.register(Belonging(HonourAward, _("Honours"), equal_by=["run_id"], prefer="rank"))
    BELONGINGS.register(
        Belonging(
            AdviserAssignment,
            _("Advisers"),
            equal_by=["ended_at"],
            among="ended_at IS NULL",
            prefer="assigned_at",
            copied="true",
        )
    )
    conditions.register_all()
    timeline_source.register()
    CARDS.register(Card("honours", "honours/includes/member.html", MemberHonours))
    MARKS.register(read_marks, code="honours")
    MENU.register(MenuEntry(_("Honours & advisers"), "honours:index", "rubber-stamp", BENEFITS, 70))
