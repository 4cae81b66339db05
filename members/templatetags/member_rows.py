"""The rows of the members list, written by functions: fifty rows of a dozen cells each would take the template
engine longer than the database takes to find them."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache, partial
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config.console.formats import day_text, mask_name, mask_phone
from config.console.templatetags.console import EMPTY, exact, icon, monies, status_dot, time_mark
from config.engine import clock
from config.engine.naming import Named, name_of
from members.lifecycle.lifecycle import MembershipStatus
from members.people.console.listing import Column
from members.tags.models import Tag
from members.templatetags.members import last_day
from members.templatetags.states import state
from members.templatetags.tags import tone_class

register = template.Library()

# Of a member with many tags the others stand behind a chip that counts them.
MOST_CHIPS = 4


@register.simple_tag
def member_rows(members: Iterable[Any], columns: Iterable[Column]) -> SafeString:
    """The rows of these members: a box to select each, then the cells of the columns that are shown, in order."""
    rows = Rows(column.key for column in columns if column.shown)
    return mark_safe("\n    ".join(map(rows.row, members)))  # noqa: S308


class Rows:
    """Writes the rows of one page; a mark that many of them show is written once."""

    def __init__(self, keys: Iterable[str]) -> None:
        cells = {
            "member": self._member,
            "state": self._state,
            "tier": self._tier,
            "expiry": self._expiry,
            "auto": self._auto,
            "active": self._active,
            "paid": self._paid,
            "tags": self._tags,
            "status": self._status,
            "channel": self._channel,
            "city": self._city,
            "registered": self._registered,
        }
        # What is no column of the list's own another app offers.
        self._cells = [cells.get(key) or partial(_offered, key) for key in keys]
        self._select = _("Select")
        today = timezone.localtime(clock.now()).date()
        self._day_words = cache(lambda day: day_text(day, today))
        self._address = cache(lambda member: member.get_absolute_url())
        self._state_cell, self._status_cell = cache(_state_cell), cache(_status_cell)
        self._tier_cell, self._auto_cell = cache(_tier_cell), cache(_auto_cell)
        self._chip = cache(_chip)

    def row(self, member: Any) -> SafeString:
        box = format_html(
            '<td data-col="select"><input class="form-check-input" type="checkbox" name="ids" value="{pk}"'
            ' data-select-row aria-label="{word} {name} {pk}"></td>',
            pk=member.pk,
            word=self._select,
            name=mask_name(member.display_name),
        )
        return mark_safe(f"<tr>{box}{''.join(cell(member) for cell in self._cells)}</tr>")  # noqa: S308

    def _day(self, at: datetime | None) -> SafeString:
        return time_mark(at, self._day_words(timezone.localtime(at).date())) if at else EMPTY

    def _member(self, member: Any) -> SafeString:
        external_id = member.external_id or ""
        name = mask_name(member.display_name) or external_id or _("No name")
        second = mask_phone(member.phone or "") or external_id
        line = f"{member.pk} · {second}" if second else str(member.pk)
        return format_html(
            '<th scope="row" data-col="member"><a href="{}">{}</a><span class="m s sub">{}</span></th>',
            self._address(member),
            name,
            line,
        )

    def _state(self, member: Any) -> SafeString:
        return self._state_cell(member.lifecycle_state)

    def _tier(self, member: Any) -> SafeString:
        return self._tier_cell(member.tier, member.plan)

    def _expiry(self, member: Any) -> SafeString:
        day = last_day(member.expiration_time, member.time_zone)
        if day is None:
            return format_html('<td class="nw" data-col="expiry">{}</td>', EMPTY)
        words = time_mark(day, self._day_words(day))
        return format_html('<td class="nw" data-col="expiry">{}<span class="m s sub">{}</span></td>', words, exact(day))

    def _auto(self, member: Any) -> SafeString:
        return self._auto_cell(member.auto_renewal_flag)

    def _active(self, member: Any) -> SafeString:
        return format_html('<td class="m nw" data-col="active">{}</td>', self._day(member.last_active_time))

    def _paid(self, member: Any) -> SafeString:
        paid = monies(member.paid) if member.paid else EMPTY
        return format_html('<td class="r" data-col="paid">{}</td>', paid)

    def _tags(self, member: Any) -> SafeString:
        tags = member.open_tags
        shown = tags if len(tags) <= MOST_CHIPS else tags[: MOST_CHIPS - 1]
        chips = [self._chip(tag) for tag in shown]
        if len(tags) > len(shown):
            more, names = len(tags) - len(shown), ", ".join(name_of(tag) for tag in tags[len(shown) :])
            link = '<a class="chip" href="{}#tags" title="{}">+{}</a>'
            chips.append(format_html(link, self._address(member), names, more))
        return format_html('<td data-col="tags">{}</td>', mark_safe(" ".join(chips)) if chips else EMPTY)  # noqa: S308

    def _status(self, member: Any) -> SafeString:
        return self._status_cell(member.membership_status)

    def _channel(self, member: Any) -> SafeString:
        return format_html('<td data-col="channel">{}</td>', member.channel or EMPTY)

    def _city(self, member: Any) -> SafeString:
        return format_html('<td data-col="city">{}</td>', member.city or EMPTY)

    def _registered(self, member: Any) -> SafeString:
        return format_html('<td class="nw" data-col="registered">{}</td>', self._day(member.registered_at))


def _offered(key: str, member: Any) -> SafeString:
    return format_html('<td data-col="{}">{}</td>', key, member.offered[key] or EMPTY)


def _state_cell(value: str) -> SafeString:
    return format_html('<td data-col="state">{}</td>', state(value))


def _tier_cell(tier: Named | None, plan: Named | None) -> SafeString:
    if tier is None:
        return format_html('<td data-col="tier">{}</td>', EMPTY)
    sold_as = format_html(' <span class="m">· {}</span>', name_of(plan)) if plan else ""
    mark = icon("diamond")
    return format_html('<td data-col="tier"><span class="tier">{}{}</span>{}</td>', mark, name_of(tier), sold_as)


def _auto_cell(is_on: bool) -> SafeString:
    return format_html('<td data-col="auto">{}</td>', status_dot(*(("good", _("On")) if is_on else ("off", _("Off")))))


def _status_cell(value: str) -> SafeString:
    return format_html('<td data-col="status">{}</td>', MembershipStatus(value).label)


def _chip(tag: Tag) -> SafeString:
    return format_html('<a class="chip{}" href="{}">{}</a>', tone_class(tag), tag.get_absolute_url(), name_of(tag))
