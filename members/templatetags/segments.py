"""The segment builder's controls: selects with a known choice, and how chosen values are read."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from members.segments.console.builder import inputs
from members.segments.registry import Choice

register = template.Library()

# From here on a value is so much more frequent in a segment that it is pointed out.
TELLING = 1.5

KNOWN = {
    "number_ops": inputs.NUMBER_OPS,
    "text_ops": inputs.TEXT_OPS,
    "date_ops": inputs.DATE_OPS,
    "when_ops": inputs.WHEN_OPS,
    "window_ops": inputs.WINDOW_OPS,
    "units": inputs.UNITS,
    "types": inputs.TYPES,
    "yes_no": inputs.YES_NO,
}

register.filter("chosen_words", inputs.chosen_words)
register.filter("wall_clock", inputs.wall_clock)


@register.simple_tag
def options(name: str, choices: Iterable[Choice], chosen: Iterable[str], label: Any = "") -> SafeString:
    """A select over a field's real values."""
    return _select(name, [(choice.value, choice.label) for choice in choices], set(chosen), label)


@register.simple_tag
def known_options(name: str, table: str, chosen: str, label: Any = "") -> SafeString:
    """A select over one of the builder's own lists of words."""
    return _select(name, list(KNOWN[table].items()), {chosen}, label)


@register.simple_tag
def lift(times: float | None) -> SafeString:
    """How many times as frequent, with one place behind the point; marked where it is telling."""
    if times is None:
        return SafeString("—")
    kind = "chip-on" if times >= TELLING else ""
    return format_html('<span class="chip {}">×&#8239;{}</span>', kind, number_format(times, 1))


def _select(name: str, pairs: list[tuple[str, Any]], chosen: set[str], label: Any) -> SafeString:
    rows = ((value, SafeString(" selected") if value in chosen else "", words) for value, words in pairs)
    inner = format_html_join("", '<option value="{}"{}>{}</option>', rows)
    return format_html(
        '<select class="form-select" id="{}" name="{}" aria-label="{}">{}</select>', name, name, label, inner
    )
