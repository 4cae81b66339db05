"""The console's template vocabulary: marks, dates, numbers, masked people, form fields, components with slots."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, FileInput, RadioSelect, Select
from django.template.base import FilterExpression, Node, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info, gettext

from config.console import formats
from config.engine import clock
from config.engine.money import project_currency
from config.staff.models import User

register = template.Library()

EMPTY = format_html('<span class="m">{}</span>', formats.DASH)


# Marks -----------------------------------------------------------------------------------------------------------


# A page has a hundred and fifty of them, of thirty kinds.
@register.simple_tag
@lru_cache(maxsize=1024)
def icon(name: str, cls: str = "") -> SafeString:
    """A decorative icon of ``static/icons.svg``: ``{% icon "users" %}``, ``{% icon "check" "i-ok" %}``."""
    classes = f"i {cls}".strip()
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#i-{}"/></svg>', classes, static("icons.svg"), name
    )


@register.filter
def language_name(code: str) -> str:
    """A language in its own words, as its readers know it; an unknown code as it stands."""
    try:
        return str(get_language_info(code)["name_local"])
    except KeyError:
        return code


@register.simple_tag
def status_dot(status: str, label: str) -> SafeString:
    """A process status as dot and word. ``status``: ``""`` neutral, ``run``, ``good``, ``warn``, ``bad``, ``off``."""
    return format_html('<span class="dot" data-status="{}">{}</span>', status or "", label)


@register.simple_tag
def bar(value: float | None, of: float = 1, label: str = "", status: str = "", cls: str = "") -> SafeString:
    """``value`` of ``of`` as a thin bar; its geometry is SVG attributes, so it needs no inline style."""
    share = min(max(float(value or 0) / float(of), 0), 1) if of else 0
    width = f"{share * 100:.1f}%"
    return format_html(
        '<svg class="{}" role="img" aria-label="{}"><rect width="{}" height="6" class="{}"/></svg>',
        f"bar {cls}".strip(),
        label or formats.percent_text(share),
        width,
        f"f-{status}" if status else "",
    )


# Dates -----------------------------------------------------------------------------------------------------------


def time_mark(instant: datetime | date, words: str) -> SafeString:
    """``words`` for an instant or a day, the exact one on hover in the viewer's zone."""
    title = formats.exact_text(instant) if isinstance(instant, datetime) else instant.isoformat()
    return format_html('<time datetime="{}" title="{}">{}</time>', instant.isoformat(), title, words)


@register.simple_tag
def reltime(instant: datetime | date | None, day: bool = False) -> SafeString:
    """A relative date, the exact time on hover in the viewer's zone. ``day`` leaves out the time of day."""
    if instant is None:
        return EMPTY
    at = clock.now()
    today = timezone.localtime(at).date()
    if not isinstance(instant, datetime):
        return time_mark(instant, formats.day_text(instant, today))
    local_day = timezone.localtime(instant).date()
    return time_mark(instant, formats.day_text(local_day, today) if day else formats.instant_text(instant, at))


@register.simple_tag
def exact(instant: datetime | date | None) -> SafeString:
    """The exact time as text, to the minute: ``2026-11-27 23:59``."""
    if instant is None:
        return EMPTY
    if not isinstance(instant, datetime):
        return time_mark(instant, instant.isoformat())
    return time_mark(instant, formats.minute_text(instant))


@register.simple_tag
def clock_time(instant: datetime) -> SafeString:
    """The time of day alone, ``23:59``; for rows under a heading that names the day."""
    return time_mark(instant, f"{timezone.localtime(instant):%H:%M}")


@register.filter
def heading_day(day: datetime | date) -> str:
    """A day as the heading of a timeline group: Today, Yesterday, November 16."""
    local = timezone.localtime(day).date() if isinstance(day, datetime) else day
    return formats.heading_day_text(local, timezone.localtime(clock.now()).date())


# Numbers and people ------------------------------------------------------------------------------------------------


@register.simple_tag
def number(value: int | float | None, digits: int = 0, compact: bool = False) -> str:
    """A number with thousands separated; ``compact`` writes 48.6 万 in Chinese, 486 K in English."""
    return formats.compact_number_text(value) if compact else formats.number_text(value, digits=digits)


@register.filter
def num(value: int | float | None) -> str:
    """``number`` as a filter, for use inside ``blocktranslate`` and attributes."""
    return formats.number_text(value)


@register.simple_tag
def signed(value: int | float) -> str:
    """A change with its sign: +1,237, −318, 0."""
    return ("+" if value > 0 else "") + formats.number_text(value)


@register.simple_tag
def money(minor: int | None, currency: str = "", compact: bool = False) -> str:
    """An amount in integer minor units as a price in ``currency`` (the project's own by default)."""
    return formats.money_text(minor, currency or project_currency(), compact=compact)


@register.simple_tag
def monies(amounts: Mapping[str, int]) -> str:
    """Amounts in integer minor units by currency; what was paid in different currencies is not added up."""
    return " + ".join(money(minor, currency) for currency, minor in amounts.items()) or money(0)


@register.simple_tag
def percent(share: float | None, digits: int = 0) -> str:
    """A share of 0–1 as a percentage."""
    return formats.percent_text(share, digits=digits)


@register.filter
def mask_name(value: str | None) -> str:
    return formats.mask_name(value or "")


@register.filter
def mask_phone(value: str | None) -> str:
    return formats.mask_phone(value or "")


@register.filter
def mask_email(value: str | None) -> str:
    return formats.mask_email(value or "")


@register.filter
def initial(value: str | None) -> str:
    """What a person's round mark shows: the surname's first character, or two Latin initials."""
    words = (value or "").split()
    if not words:
        return "?"
    if words[0].isascii():
        return "".join(word[0] for word in words[:2]).upper()
    return words[0][0]


@register.filter
def staff_name(user: User | None) -> str:
    """A colleague's name; the system's for nobody."""
    return user.shown_name if user else gettext("System")


@register.simple_tag
def person(name: str, sub: str = "", href: str = "") -> SafeString:
    """A masked name, linked when ``href`` is given, over one grey line of identifiers (already masked)."""
    shown = formats.mask_name(name) or gettext("No name")
    line = format_html('<span class="m s sub">{}</span>', sub) if sub else ""
    if href:
        return format_html('<a href="{}">{}</a>{}', href, shown, line)
    return format_html("{}{}", shown, line)


# Forms and tables ----------------------------------------------------------------------------------------------------


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, cls: str = "", plain: bool = False, **widget_attrs: str) -> dict[str, Any]:
    """A form field with label, hint and errors tied to it; extra keywords become widget attributes.

    ``plain`` leaves out the “optional” mark, for query forms where every field is.
    """
    widget = bound.field.widget
    attrs: dict[str, str | bool] = {name.replace("_", "-"): value for name, value in widget_attrs.items()}
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        kind = "choices"
    elif isinstance(widget, CheckboxInput):
        kind = "check"
        attrs["class"] = "form-check-input"
    else:
        kind = "text"
        base = "form-select" if isinstance(widget, Select) else "form-control"
        attrs["class"] = f"{base} is-invalid" if bound.errors else base
    return {
        "field": bound,
        "kind": kind,
        "cls": cls,
        "plain": plain,
        "control": bound.as_widget(attrs=attrs) if kind != "choices" else "",
        "is_file": isinstance(widget, FileInput),
    }


@register.inclusion_tag("components/sort_th.html", takes_context=True)
def sort_th(context: Context, key: str, label: str, target: str = "", cls: str = "", col: str = "") -> dict[str, Any]:
    """A column head that sorts: toggles ``?sort=key`` and ``?sort=-key``, leaves the other parameters, drops paging."""
    query = context["request"].GET.copy()
    current = query.get("sort", "")
    for name in ("after", "before", "page"):
        query.pop(name, None)
    query["sort"] = f"-{key}" if current == key else key
    direction = {key: "ascending", f"-{key}": "descending"}.get(current, "")
    return {
        "label": label,
        "cls": cls,
        "col": col or key,
        "direction": direction,
        "href": f"?{query.urlencode()}",
        "target": target,
    }


# Components with content ---------------------------------------------------------------------------------------------


class SlotNode(Node):
    """Named content of the component around it; rendered by that component, never by itself."""

    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name = name
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        raise template.TemplateSyntaxError(f"slot “{self.name}” must stand directly inside a component")


class ComponentNode(Node):
    def __init__(self, name: str, values: dict[str, FilterExpression], children: NodeList) -> None:
        self.name = name
        self.values = values
        self.slots = [node for node in children if isinstance(node, SlotNode)]
        self.nodelist = NodeList(node for node in children if not isinstance(node, SlotNode))

    def render(self, context: Context) -> str:
        values: dict[str, Any] = {name: value.resolve(context) for name, value in self.values.items()}
        # A rendered node list is safe already; strip() forgets it.
        values["content"] = SafeString(self.nodelist.render(context).strip())
        for slot in self.slots:
            values[slot.name] = SafeString(slot.nodelist.render(context).strip())
        values["csrf_token"] = context.get("csrf_token")
        assert context.template is not None
        component = context.template.engine.get_template(f"components/{self.name}.html")
        return str(component.render(context.new(values)))


@register.tag
def component(parser: Parser, token: Token) -> ComponentNode:
    """``{% component "card" title=… %}…{% slot "actions" %}…{% endslot %}…{% endcomponent %}``.

    Renders ``templates/components/<name>.html`` with the keywords, ``content``, and each slot under its name;
    nothing else of the page's context is visible inside.
    """
    _, name, *bits = token.split_contents()
    values = token_kwargs(bits, parser)
    if bits:
        raise template.TemplateSyntaxError(f"component takes keywords only, not {bits}")
    children = parser.parse(("endcomponent",))
    parser.delete_first_token()
    return ComponentNode(name.strip("\"'"), values, children)


@register.tag
def slot(parser: Parser, token: Token) -> SlotNode:
    """Named content of a component; stands directly inside it."""
    _, name = token.split_contents()
    nodelist = parser.parse(("endslot",))
    parser.delete_first_token()
    return SlotNode(name.strip("\"'"), nodelist)
