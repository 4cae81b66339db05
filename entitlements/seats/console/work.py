"""What of seats needs a person."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min
from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.formats import instant_text
from config.console.work import WorkItem
from config.staff.models import User
from entitlements.seats.models import SeatFault
from entitlements.seats.querysets import waiting_seats


def stuck_seats(user: User, at: datetime) -> Iterator[WorkItem]:
    found = SeatFault.objects.open().aggregate(count=Count("pk"), since=Min("found_at"))
    if found["count"]:
        href = reverse("seats:stuck")
        yield WorkItem(
            kind="bad",
            icon="users",
            type=_("Seats"),
            title=_("Seats cannot follow their owner"),
            note=_("their cover is not what the owner's membership brings"),
            count=found["count"],
            count_href=href,
            due=instant_text(found["since"], at),
            due_kind="bad",
            href=href,
            action=_("Put right"),
        )


def surplus_seats(user: User, at: datetime) -> Iterator[WorkItem]:
    found = waiting_seats(at)
    if found:
        href = reverse("seats:index")
        yield WorkItem(
            kind="warn",
            icon="users",
            type=_("Seats"),
            title=_("A merge made more seats than the plan brings"),
            note=_("a day after the merge the last given ones end"),
            count=len(found),
            href=href,
            action=_("Put right"),
        )
