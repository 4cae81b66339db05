"""How facts about messages are written, beside the console's own vocabulary."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from campaigns.lifecycle import Reason
from campaigns.models import MessageIntent
from campaigns.steps import step_label

register = template.Library()

MOVE_LABELS = {
    "expire": _("Expired"),
    "suppress": _("Suppressed"),
    "release": _("Put off"),
    "put_off": _("Put off"),
    "fail": _("Failed"),
    "lose": _("Lost sight of"),
    "revive": _("Back among the pending"),
    "resolve_sent": _("Settled as sent"),
    "resolve_failed": _("Settled as failed"),
}


@register.filter
def step(step_key: str) -> str:
    """A step in words: "7 days before"."""
    return step_label(step_key)


@register.filter
def move_label(move: str) -> str:
    """What a decision did, in words."""
    return str(MOVE_LABELS.get(move, move))


@register.filter
def reason_label(reason: str) -> str:
    return str(Reason(reason).label) if reason else ""


@register.simple_tag
def message_status(message: MessageIntent) -> SafeString:
    """A message's status as dot and word."""
    return format_html('<span class="dot" data-status="{}">{}</span>', message.dot, message.get_status_display())
