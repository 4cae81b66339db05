"""How facts about members are written, beside the console's own vocabulary."""

from datetime import date, datetime
from typing import Any

from django import template
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from config.engine.naming import Named, name_of
from config.staff.access import Permission
from config.staff.models import User
from members.events.scopes import label_of as scope_label
from members.lifecycle.models import LifecyclePolicy
from members.lifecycle.operations.policies import THRESHOLDS
from members.merging.models import DuplicatePair
from members.people import rules
from members.people.models import Identity, Member

register = template.Library()

register.filter("scope_label", scope_label)


@register.filter
def named(thing: Named | None) -> str:
    """The name of a plan or tier in the reader's language."""
    return name_of(thing)


@register.filter
def may(user: User, permission: str) -> bool:
    """Whether the viewer's role holds a permission: ``{% if user|may:"operate" %}``."""
    return user.may(Permission(permission))


@register.filter
def identity(member: Member, kind: str) -> str:
    """A prefetched identity of that kind, unmasked, or an empty string."""
    return next((i.value for i in member.identities.all() if i.kind == kind), "")


@register.filter
def kind_label(kind: str) -> str:
    return str(Identity.Kind(kind).label)


@register.filter
def pair_reason(reason: str) -> str:
    """Why two members are likely one."""
    return str(DuplicatePair.Reason(reason).label)


@register.filter
def last_day(end: datetime | None, time_zone: str) -> date | None:
    """The last day of what ends at ``end``, by the clock of a member: the one that reminders name."""
    return rules.last_day(end, zone_of(time_zone)) if end else None


@register.filter
def end_for_people(end: datetime | None, time_zone: str) -> date | datetime | None:
    """An end as people say it, by the clock of a member: the last day where it ends at midnight, else the instant."""
    return rules.end_for_people(end, zone_of(time_zone)) if end else None


@register.filter
def local_day(at: datetime | None, time_zone: str) -> date | None:
    """The day of an instant by the clock of a member."""
    return rules.local_date(at, zone_of(time_zone)) if at else None


@register.filter
def zone_of(time_zone: str) -> str:
    """The zone a member lives by: her own or the project's."""
    return time_zone or settings.PROJECT_TIME_ZONE


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: str) -> SafeString:
    """The page's query string with some parameters set, or taken out where the value is empty; no paging."""
    query = context["request"].GET.copy()
    for name in ("after", "before", *changes):
        query.pop(name, None)
    for name, value in changes.items():
        if value:
            query[name] = str(value)
    return mark_safe("?" + query.urlencode().replace("&", "&amp;"))  # noqa: S308 — urlencoded


@register.filter
def thresholds(policy: LifecyclePolicy) -> list[dict[str, Any]]:
    """A policy's thresholds by their names."""
    fields: dict[str, Any] = {name: LifecyclePolicy._meta.get_field(name) for name in THRESHOLDS}
    return [
        {"name": name, "label": capfirst(field.verbose_name), "value": getattr(policy, name)}
        for name, field in fields.items()
    ]


@register.filter
def former(changed: dict[str, list[Any]] | str, name: str) -> Any:
    """The value in force of a threshold that a draft changes, else None."""
    return changed[name][0] if isinstance(changed, dict) and name in changed else None


@register.filter
def percentage(share: float) -> str:
    """A share of 0–1 as a whole percentage, for use inside ``blocktranslate``."""
    return f"{share * 100:g}%"
