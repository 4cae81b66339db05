"""Figures about messages; what the first page and the list's tabs show. Kept for a few seconds."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from campaigns.models import DeliveryPolicy, MessageIntent

SECONDS_KEPT = 5


def messages_by_status() -> dict[str, int]:
    """How many messages are in each status, of all there are."""
    return _kept("campaigns:by_status", MessageIntent.objects.counts_by_status)


def messages_of_today(at: datetime) -> dict[str, int]:
    """How many messages due on the viewer's local date are in each status."""
    start = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    today = MessageIntent.objects.due_between(start, start + timedelta(days=1))
    return _kept(f"campaigns:today:{start.isoformat()}", today.counts_by_status)


def unknown_deliveries() -> int:
    """Messages whose outcome nobody knows, waiting for a person."""
    return MessageIntent.objects.unknown().count()


def delivery_policy() -> DeliveryPolicy:
    """The one row, with who stopped sending when it is stopped."""
    return DeliveryPolicy.objects.select_related("stopped_by").get()


def _kept(key: str, read: Callable[[], dict[str, int]]) -> dict[str, int]:
    counts: dict[str, int] = cache.get_or_set(key, read, SECONDS_KEPT) or {}
    return counts
