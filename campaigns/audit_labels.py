"""The audit actions of campaigns, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
    "sending.stopped": _("Sending stopped"),
    "sending.resumed": _("Sending resumed"),
    "message.resolve_sent": _("Unknown delivery settled as sent"),
    "message.resolve_failed": _("Unknown delivery settled as failed"),
    "consent.withdrawn": _("Unsubscribed from email"),
    "channel.saved": _("Channel settings saved"),
    "template.published": _("Template copy published"),
    "suppression.lifted": _("Suppressed address allowed again"),
}
