"""The list of messages as one request asks for it: filter, tabs, page."""

from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from campaigns import metrics
from campaigns.filters import MessageFilter
from campaigns.lifecycle import Status
from campaigns.models import DeliveryPolicy, MessageIntent
from campaigns.querysets.messages import MessageIntentQuerySet
from config.console import searches
from config.engine.ids import read_id
from members.people.models import Member
from members.people.querysets.people import Cursor, KeysetPage

PAGE_SIZE = 50
COUNT_LIMIT = 10_001


class Listing:
    """Everything the list shows; nothing is read before it is asked for."""

    def __init__(self, request: HttpRequest) -> None:
        self.params = request.GET
        self.filter = MessageFilter(searches.recalled(request), queryset=MessageIntent.objects.all())

    @cached_property
    def messages(self) -> MessageIntentQuerySet:
        """What the filter leaves; nothing when the address asks for what does not exist."""
        return self.filter.qs if self.filter.is_valid() else MessageIntent.objects.none()

    @property
    def status(self) -> str:
        return self.params.get("status", "")

    @property
    def sorts_ascending(self) -> bool:
        """What goes next is the question among the pending; elsewhere what came last."""
        asked = self.params.get("sort", "")
        return asked == "due" or (asked != "-due" and self.status == Status.PENDING)

    @cached_property
    def page(self) -> KeysetPage:
        after, before = (_cursor(self.params.get(name, "")) for name in ("after", "before"))
        return self.messages.keyset_page(size=PAGE_SIZE, ascending=self.sorts_ascending, after=after, before=before)

    @cached_property
    def rows(self) -> list[Any]:
        return MessageIntent.objects.listed(self.page.ids)

    @cached_property
    def active_filters(self) -> list[str]:
        return [name for name in self.filter.filters if self.params.get(name)]

    @property
    def is_filtered(self) -> bool:
        return bool(self.active_filters)

    @property
    def folded_is_used(self) -> bool:
        return any(self.params.get(name) for name in ("due_from", "due_to", "reason"))

    @cached_property
    def count(self) -> int:
        """Messages that match; of a filtered list never more than ``COUNT_LIMIT``."""
        counts = metrics.messages_by_status()
        if self.is_everything:
            return counts.get(self.status, 0) if self.status else sum(counts.values())
        return self.messages.count_up_to(COUNT_LIMIT)

    @property
    def is_everything(self) -> bool:
        """Whether nothing but the tabs narrows the list."""
        return set(self.active_filters) <= {"status"}

    @property
    def is_capped(self) -> bool:
        return not self.is_everything and self.count == COUNT_LIMIT

    @property
    def shown_count(self) -> int:
        return self.count - 1 if self.is_capped else self.count

    @cached_property
    def only_member(self) -> Member | None:
        """Whose messages these are, when the address names a member."""
        pk = read_id(self.params.get("member", ""))
        return None if pk is None else Member.objects.filter(pk=pk).first()

    @cached_property
    def policy(self) -> DeliveryPolicy:
        return metrics.delivery_policy()

    @cached_property
    def waiting_count(self) -> int:
        counts = metrics.messages_by_status()
        return counts[Status.PENDING] + counts[Status.CLAIMED]

    @cached_property
    def tabs(self) -> list[dict[str, Any]]:
        """The statuses; with how many each has where that is what a tab shows, and not what is left by a filter."""
        counts = metrics.messages_by_status()
        every = {
            "label": _("All"),
            "count": sum(counts.values()) if self.is_everything else None,
            "href": self.url(status=""),
            "current": not self.status,
        }
        return [every] + [
            {
                "label": status.label,
                "count": counts[status] if self.is_everything else None,
                "href": self.url(status=status.value),
                "current": self.status == status,
            }
            for status in Status
            # Messages are in these two for a moment only.
            if counts[status] or status not in (Status.CLAIMED, Status.ON_WIRE) or self.status == status
        ]

    def url(self, **changes: str) -> str:
        """The list's address with some parameters changed and paging dropped."""
        query = self.params.copy()
        for name in ("after", "before", *changes):
            query.pop(name, None)
        if "status" in changes:
            query.pop("sort", None)
        for name, value in changes.items():
            if value:
                query[name] = value
        return f"{reverse('campaigns:messages')}?{query.urlencode()}"

    @property
    def previous_url(self) -> str:
        return self.url(before=str(self.page.previous)) if self.page.previous else ""

    @property
    def next_url(self) -> str:
        return self.url(after=str(self.page.next)) if self.page.next else ""


def _cursor(text: str) -> Cursor | None:
    """The cursor an address carries; a message always has a due instant."""
    cursor = Cursor.parse(text)
    return cursor if cursor is not None and cursor.value is not None else None
