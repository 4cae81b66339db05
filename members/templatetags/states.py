"""How lifecycle states are shown: glyph, colour, word."""

from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.console.formats import DASH
from config.console.templatetags.console import EMPTY
from members.lifecycle.lifecycle import STAGE_OF, Stage, State

register = template.Library()


@register.simple_tag
@lru_cache(maxsize=128)
def glyph(state: str, cls: str = "") -> SafeString:
    """The moon glyph of a lifecycle state, without its word; only where the word stands beside it."""
    return format_html(
        '<svg class="{}" data-state="{}" aria-hidden="true"><use href="{}#g-{}"/></svg>',
        f"gl {cls}".strip(),
        state,
        static("icons.svg"),
        state,
    )


@register.simple_tag
def state(value: str, pill: bool = False) -> SafeString:
    """A lifecycle state as glyph, colour and word; ``pill`` in page heads only. A dash when there is none."""
    if not value:
        return EMPTY
    return format_html(
        '<span class="{}" data-state="{}">{}{}</span>',
        "st st-pill" if pill else "st",
        value,
        glyph(value),
        State(value).label,
    )


@register.filter
def state_label(value: str) -> str:
    """The word of a lifecycle state."""
    return str(State(value).label) if value else DASH


@register.filter
def stage_label(value: str) -> str:
    """The word of the stage a lifecycle state belongs to."""
    return str(Stage(STAGE_OF[value]).label) if value else DASH
