"""What campaigns bring along."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns import consequences, policy_effects, segment_reach, timeline_source
from campaigns.audit_labels import LABELS
from campaigns.console import home, work
from campaigns.lifecycle import Status
from campaigns.models import Enrollment, MessageIntent
from config.console import searches
from config.console.cards import HOME, HomeCard
from config.console.menu import MENU, OPERATIONS, MenuEntry
from config.console.work import WORK, WorkSource
from config.engine.actions import register_actions
from members.imports.operations.undo import FOLLOWERS, Follower
from members.people.belongings import BELONGINGS, Belonging


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    timeline_source.register()
    policy_effects.register()
    segment_reach.register()
    consequences.register()
    # Nothing is sent anew after a merge: a row the survivor has too stays out of sight.
    BELONGINGS.register(Belonging(Enrollment, _("Enrollments"), equal_by=["campaign_id", "occurrence"]))
    BELONGINGS.register(Belonging(MessageIntent, _("Messages"), equal_by=["campaign_id", "step_key", "occurrence"]))
    # A message that may have reached anyone forbids undoing the import that created the member; what was only planned
    # goes along with her.
    never_left = Q(status__in=[Status.PENDING, Status.SUPPRESSED, Status.EXPIRED], on_wire_at__isnull=True)
    FOLLOWERS.register(Follower(MessageIntent, blocking=~never_left))
    FOLLOWERS.register(Follower(Enrollment, blocking=Q(pk=None)))
    WORK.register(WorkSource("unknown_deliveries", 60, work.unknown_deliveries))
    HOME.register(HomeCard("messages_today", 30, "campaigns/includes/home.html", home.messages_today))
    searches.LISTS.register("campaigns:messages", code="messages")
    MENU.register(MenuEntry(_("Messages"), "campaigns:messages", "mail", OPERATIONS, 10))
