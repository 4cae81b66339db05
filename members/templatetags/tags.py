"""How tags are written wherever members appear."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.engine.naming import name_of
from members.tags.console.portrait import action_of
from members.tags.models import Tag

register = template.Library()

register.filter("action_of", action_of)


def tone_class(tag: Tag) -> str:
    """What a chip's class gets besides, with a space before it."""
    return f" chip-{tag.tone}" if tag.tone else ""


@register.simple_tag
def tag_chip(tag: Any, title: str = "") -> SafeString:
    """The tag as a chip that leads to its page; a value with the name of what it is a value of."""
    of = format_html('<span class="m">{} · </span>', name_of(tag.parent)) if tag.parent_id else ""
    said = format_html(' title="{}"', title) if title else ""
    return format_html(
        '<a class="chip{}" href="{}"{}>{}{}</a>', tone_class(tag), tag.get_absolute_url(), said, of, name_of(tag)
    )
