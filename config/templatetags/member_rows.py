"""The cells of the members list, written by functions: fifty rows of a dozen cells each would take the template
engine longer than the database takes to find them."""

from collections.abc import Callable, Iterable
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config.formats import mask_name, mask_phone
from config.templatetags.console import EMPTY, exact, icon, money, reltime, state, status_dot
from members.listing import Column
from members.models import Identity, Member
from members.naming import name_of
from members.templatetags.tags import tone_class

register = template.Library()

# Of a member with many tags the others stand behind a chip that counts them.
MOST_CHIPS = 4


@register.simple_tag
def member_cells(member: Member, columns: Iterable[Column]) -> SafeString:
    """The cells of one row, for the columns that are shown, in their order."""
    return mark_safe("".join(_cell(member, column.key) for column in columns if column.shown))  # noqa: S308


def _cell(member: Any, key: str) -> SafeString:
    """A cell of the list's own, or of what another app offers."""
    if key in CELLS:
        return CELLS[key](member)
    return format_html('<td data-col="{}">{}</td>', key, member.offered[key] or EMPTY)


def _member(member: Member) -> SafeString:
    known = {identity.kind: identity.value for identity in member.identities.all()}
    external_id = known.get(Identity.Kind.EXTERNAL_ID, "")
    name = mask_name(member.display_name) or external_id or _("No name")
    second = mask_phone(known.get(Identity.Kind.PHONE, "")) or external_id
    line = f"{member.pk} · {second}" if second else str(member.pk)
    return format_html(
        '<th scope="row" data-col="member"><a href="{}">{}</a><span class="m s sub">{}</span></th>',
        member.get_absolute_url(),
        name,
        line,
    )


def _state(member: Member) -> SafeString:
    return format_html('<td data-col="state">{}</td>', state(member.lifecycle.lifecycle_state))


def _tier(member: Any) -> SafeString:
    tier = member.lifecycle.tier
    if tier is None:
        return format_html('<td data-col="tier">{}</td>', EMPTY)
    plan = next((name_of(term.plan) for term in member.current_terms if term.plan), "")
    sold_as = format_html(' <span class="m">· {}</span>', plan) if plan else ""
    mark = icon("diamond")
    return format_html('<td data-col="tier"><span class="tier">{}{}</span>{}</td>', mark, name_of(tier), sold_as)


def _expiry(member: Member) -> SafeString:
    at = member.lifecycle.expiration_time
    below = format_html('<span class="m s sub">{}</span>', exact(at)) if at else ""
    return format_html('<td class="nw" data-col="expiry">{}{}</td>', reltime(at, day=True), below)


def _auto(member: Member) -> SafeString:
    is_on = member.lifecycle.auto_renewal_flag
    return format_html('<td data-col="auto">{}</td>', status_dot(*(("good", _("On")) if is_on else ("off", _("Off")))))


def _active(member: Member) -> SafeString:
    at = member.lifecycle.last_active_time
    return format_html('<td class="m nw" data-col="active">{}</td>', reltime(at, day=True))


def _paid(member: Any) -> SafeString:
    return format_html(
        '<td class="r" data-col="paid">{}</td>', money(member.paid_cents) if member.paid_cents else EMPTY
    )


def _tags(member: Any) -> SafeString:
    tags = [carry.tag for carry in member.open_tags]
    shown = tags if len(tags) <= MOST_CHIPS else tags[: MOST_CHIPS - 1]
    chips = [
        format_html('<a class="chip{}" href="{}">{}</a>', tone_class(tag), tag.get_absolute_url(), name_of(tag))
        for tag in shown
    ]
    if len(tags) > len(shown):
        more, names = len(tags) - len(shown), ", ".join(name_of(tag) for tag in tags[len(shown) :])
        address = member.get_absolute_url()
        chips.append(format_html('<a class="chip" href="{}#tags" title="{}">+{}</a>', address, names, more))
    return format_html('<td data-col="tags">{}</td>', mark_safe(" ".join(chips)) if chips else EMPTY)  # noqa: S308


def _status(member: Any) -> SafeString:
    return format_html('<td data-col="status">{}</td>', member.lifecycle.get_membership_status_display())


def _channel(member: Member) -> SafeString:
    return format_html('<td data-col="channel">{}</td>', member.channel or EMPTY)


def _city(member: Member) -> SafeString:
    return format_html('<td data-col="city">{}</td>', member.city or EMPTY)


def _registered(member: Member) -> SafeString:
    return format_html('<td class="nw" data-col="registered">{}</td>', reltime(member.registered_at, day=True))


CELLS: dict[str, Callable[[Any], SafeString]] = {
    "member": _member,
    "state": _state,
    "tier": _tier,
    "expiry": _expiry,
    "auto": _auto,
    "active": _active,
    "paid": _paid,
    "tags": _tags,
    "status": _status,
    "channel": _channel,
    "city": _city,
    "registered": _registered,
}
