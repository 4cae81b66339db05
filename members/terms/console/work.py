"""What of terms needs a person."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from config.console.work import WorkItem
from config.staff.models import User
from members.lifecycle import metrics
from members.people.console.links import members_list

SOON_DAYS = 3


def expiring_soon(user: User, at: datetime) -> Iterator[WorkItem]:
    # The same days as the card beside it shows, so that both cost one reading.
    days = metrics.expiring_by_day(timezone.localtime(at).date(), metrics.EXPIRY_DAYS)[: SOON_DAYS + 1]
    if count := sum(day.manual for day in days):
        href = members_list(expires=SOON_DAYS, auto="off", sort="expiry")
        yield WorkItem(
            kind="warn",
            icon="hourglass-low",
            type=_("Expiring"),
            title=_("Terms that end within 3 days and will not renew"),
            note=_("reminders go out by themselves; a call may still help"),
            count=count,
            count_href=href,
            due=_("today") if days[0].manual else "",
            due_kind="warn",
            href=href,
            action=_("See who"),
        )
