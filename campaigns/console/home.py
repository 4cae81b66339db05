"""What the first page shows of messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from campaigns import metrics
from campaigns.lifecycle import DOT_OF, Status
from config.staff.models import User


@dataclass(frozen=True)
class StatusCount:
    """How many of the day's messages are in a status, and the list of exactly these."""

    status: str
    label: str | Promise
    count: int
    href: str
    dot: str


def messages_today(user: User, at: datetime, asked: Mapping[str, str]) -> list[StatusCount] | None:
    """Messages due on the viewer's present day by status."""
    today = timezone.localdate(at)
    counts = metrics.messages_due_on(today)
    return [
        StatusCount(status.value, status.label, counts[status.value], _listed(status, f"{today}"), DOT_OF[status])
        for status in Status
        if counts[status.value]
    ] or None


def _listed(status: Status, day: str) -> str:
    query = urlencode({"status": status.value, "due_from": day, "due_to": day})
    return f"{reverse('campaigns:messages')}?{query}"
