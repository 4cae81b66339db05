"""The members list as one request asks for it: filter, sort, page, columns."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.console import searches
from members.lifecycle import metrics
from members.lifecycle.lifecycle import State
from members.people.console.filters import LIVE, MemberFilter
from members.people.models import Member
from members.people.querysets.people import Cursor, KeysetPage, MemberQuerySet, Order
from members.segments import dimensions
from members.segments.console import links, unsaved

PAGE_SIZE = 50
COUNT_LIMIT = 10_001

ORDERS = {
    order.name: order
    for column, id_column, name in (
        ("lifecycle__expiration_time", "lifecycle__member_id", "expiry"),
        ("lifecycle__last_active_hour", "lifecycle__member_id", "active"),
        ("registered_at", "pk", "registered"),
    )
    for order in (Order(name, column, id_column), Order(f"-{name}", column, id_column, is_descending=True))
}
# Who lapses next is the question in these states; elsewhere who came last.
SOONEST_FIRST = (State.TRIAL, State.EXPIRING)


@dataclass(frozen=True)
class Column:
    key: str
    label: str | Promise
    fixed: bool = False
    shown: bool = True


COLUMNS = (
    Column("member", _("Member"), fixed=True),
    Column("state", _("State"), fixed=True),
    Column("tier", _("Tier · plan")),
    Column("expiry", _("Expires")),
    Column("auto", _("Auto-renewal")),
    Column("active", _("Last active")),
    Column("paid", _("Paid in total")),
    Column("tags", _("Tags")),
    Column("status", _("Membership status"), shown=False),
    Column("channel", _("Source channel"), shown=False),
    Column("city", _("City"), shown=False),
    Column("registered", _("Registered"), shown=False),
)


def all_columns() -> tuple[Column, ...]:
    """The list's own columns, then those that other apps offer."""
    offered = (Column(found.code, found.label, shown=False) for found in dimensions.columns())
    return (*COLUMNS, *offered)


COLUMNS_COOKIE = "columns_members"


class Listing:
    """Everything the list shows; nothing is read before it is asked for."""

    def __init__(self, request: HttpRequest, at: datetime) -> None:
        self.params = request.GET
        self.at = at
        asked = searches.recalled(request)
        if asked.get("rule"):
            # An unknown one must not show everybody.
            asked["rule"] = unsaved.recalled(request, str(asked["rule"])) or "-"
        self.filter = MemberFilter(asked, queryset=Member.objects.all(), zone=timezone.get_current_timezone_name())
        self.columns = chosen_columns(request.COOKIES.get(COLUMNS_COOKIE, ""))

    @cached_property
    def members(self) -> MemberQuerySet:
        """The members the filter leaves; nobody when the address asks for what does not exist."""
        return self.filter.qs if self.filter.is_valid() else Member.objects.none()

    @property
    def state(self) -> str:
        return self.params.get("state", "")

    @cached_property
    def order(self) -> Order:
        asked = ORDERS.get(self.params.get("sort", ""))
        return asked or ORDERS["expiry" if self.state in SOONEST_FIRST or self.is_about_expiry else "-registered"]

    @property
    def is_about_expiry(self) -> bool:
        return any(self.params.get(name) for name in ("expires", "expires_from", "expires_to"))

    @cached_property
    def page(self) -> KeysetPage:
        after, before = (Cursor.parse(self.params.get(name, "")) for name in ("after", "before"))
        return self.members.keyset_page(self.order, size=PAGE_SIZE, after=after, before=before)

    @cached_property
    def rows(self) -> list[Any]:
        rows = Member.objects.listed(self.page.ids, self.at)
        offered = {dimension.code: dimension for dimension in dimensions.columns()}
        for column in self.columns:
            if column.shown and (dimension := offered.get(column.key)):
                self._fill(rows, dimension)
        return rows

    def _fill(self, rows: list[Any], dimension: dimensions.Dimension) -> None:
        """Give each row its words of a dimension, under ``offered``."""
        values = dimension.over(Member.objects.filter(pk__in=self.page.ids), self.at).values_list("pk", "value")
        found, words = dict(values), dimension.words()
        for row in rows:
            value = found.get(row.pk, "")
            row.offered = {**getattr(row, "offered", {}), dimension.code: words.get(value, value)}

    @property
    def offered_fields(self) -> list[Any]:
        """The fields of the query form that other apps offer."""
        return [self.filter.form[dimension.code] for dimension in dimensions.columns()]

    @cached_property
    def is_filtered(self) -> bool:
        return any(self.params.get(name) for name in self.filter.filters)

    @cached_property
    def count(self) -> int:
        """Members that match; of a filtered list never more than ``COUNT_LIMIT``."""
        if self.is_everybody:
            counts = metrics.members_by_state()
            return counts.get(self.state, 0) if self.state else sum(counts.values())
        return self.members.count_up_to(COUNT_LIMIT)

    @property
    def is_everybody(self) -> bool:
        """Whether nothing but the tabs narrows the list."""
        return set(self.active_filters) <= {"state"}

    @property
    def is_capped(self) -> bool:
        return not self.is_everybody and self.count == COUNT_LIMIT

    @property
    def active_filters(self) -> list[str]:
        return [name for name in self.filter.filters if self.params.get(name)]

    @property
    def shown_count(self) -> int:
        return self.count - 1 if self.is_capped else self.count

    @cached_property
    def tabs(self) -> list[dict[str, Any]]:
        """The states; with how many are in each where that is what a tab shows, and not what is left by a filter."""
        counts = metrics.members_by_state() if self.is_everybody else None
        every = {
            "label": _("All"),
            "count": sum(counts.values()) if counts else None,
            "href": self.url(state=""),
            "current": not self.state,
        }
        return [every] + [
            {
                "state": state,
                "count": counts[state] if counts else None,
                "href": self.url(state=state),
                "current": self.state == state,
            }
            for state in State.values
        ]

    def url(self, **changes: str) -> str:
        """The list's address with some parameters changed and paging dropped."""
        query = self.params.copy()
        for name in ("after", "before", *changes):
            query.pop(name, None)
        # Another state has another natural order.
        if "state" in changes:
            query.pop("sort", None)
        for name, value in changes.items():
            if value:
                query[name] = value
        return f"{reverse('members:list')}?{query.urlencode()}"

    @property
    def previous_url(self) -> str:
        return self.url(before=str(self.page.previous)) if self.page.previous else ""

    @property
    def next_url(self) -> str:
        return self.url(after=str(self.page.next)) if self.page.next else ""

    @property
    def first_url(self) -> str:
        return self.url() if self.page.previous else ""

    @property
    def moved_words(self) -> str:
        """The move a link on the first page asks for, in words."""
        source, target, days = (*self.params.get("moved", "").split("."), "", "", "")[:3]
        if source not in State.values or target not in (*State.values, LIVE):
            return ""
        into = gettext("a live term") if target == LIVE else State(target).label
        names = {"source": State(source).label, "target": into, "days": days}
        return gettext("%(source)s → %(target)s in the last %(days)s days") % names

    @cached_property
    def narrowed(self) -> list[tuple[str, str, str]]:
        """(parameter, words, address without it) for what the segment pages link to."""
        return [(name, words, self.url(**{name: ""})) for name, words in links.words_of(self.params)]

    @property
    def folded_is_used(self) -> bool:
        return any(
            self.params.get(name)
            for name in (
                "tier",
                "status",
                "tag",
                "rfm",
                "risk",
                "mature",
                "channel",
                "demo",
                *(dimension.code for dimension in dimensions.columns()),
            )
        )


def chosen_columns(cookie: str) -> list[Column]:
    """Every column, those of the cookie first in its order and shown; the defaults when it names none."""
    every = all_columns()
    by_key = {column.key: column for column in every}
    fixed = [column for column in every if column.fixed]
    chosen = [by_key[key] for key in dict.fromkeys(cookie.split(".")) if key in by_key and not by_key[key].fixed]
    if not chosen:
        return list(every)
    rest = [column for column in every if column not in chosen and not column.fixed]
    return (
        fixed
        + [Column(column.key, column.label, shown=True) for column in chosen]
        + [Column(column.key, column.label, shown=False) for column in rest]
    )
