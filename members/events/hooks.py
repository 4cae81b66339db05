"""What events bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import MENU, SYSTEM, MenuEntry
from config.console.work import WORK, WorkSource
from members.events.console import work
from members.events.feeds import read_feed
from members.events.models import ActiveDay, Event, TraitStamp
from members.events.operations.days import find_again
from members.events.operations.following import EventsFollower
from members.lifecycle.feeds import FEEDS
from members.people.belongings import BELONGINGS, Belonging
from members.people.followers import FOLLOWERS


def register() -> None:
    """Called once, when the app is ready."""
    BELONGINGS.register(Belonging(Event, _("Events")))
    BELONGINGS.register(
        Belonging(
            ActiveDay, _("Active days"), equal_by=["local_on"], prefer="first_at", copied="true", keeps_changed=True,
            left=find_again,
        )
    )  # fmt: skip
    BELONGINGS.register(
        Belonging(
            TraitStamp, _("Traits"), equal_by=["name"], prefer="stated_at DESC, message_id DESC", copied="true",
            keeps_changed=True,
        )
    )  # fmt: skip
    FOLLOWERS.register(EventsFollower(), code="events")
    FEEDS.register(read_feed, code="events")
    WORK.register(WorkSource("silent_sources", 30, work.silent_sources))
    MENU.register(MenuEntry(_("Event catalogue"), "ingest:events", "list", SYSTEM, 20))
    MENU.register(MenuEntry(_("Event sources"), "ingest:sources", "database-import", SYSTEM, 30))
