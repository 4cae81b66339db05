"""What seats bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from config.console.work import WORK, WorkSource
from config.engine.actions import register_actions
from entitlements.seats import conditions, consequences, timeline_source
from entitlements.seats.audit_labels import LABELS
from entitlements.seats.console import portrait, work
from entitlements.seats.models import Seat, SeatGroup
from members.people.belongings import BELONGINGS, Belonging


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    BELONGINGS.register(Belonging(SeatGroup, _("Families and teams")))
    # A member holds one open seat: of two the survivor's counts, and the other stays where it is.
    BELONGINGS.register(Belonging(Seat, _("Seats"), equal_by=["end_reason"], among="ended_at IS NULL"))
    conditions.register_all()
    consequences.register()
    timeline_source.register()
    portrait.register()
    WORK.register(WorkSource("stuck_seats", 45, work.stuck_seats))
    WORK.register(WorkSource("surplus_seats", 46, work.surplus_seats))
    MENU.register(MenuEntry(_("Family & team seats"), "seats:index", "users", BENEFITS, 60))
