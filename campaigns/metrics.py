"""Figures about messages; what the first page and the list's tabs show. Kept for a few seconds."""

from collections.abc import Callable
from datetime import date, timedelta

from django.core.cache import cache

from campaigns.models import DeliveryPolicy, MessageIntent
from config.engine.clock import midnight

SECONDS_KEPT = 5


def messages_by_status() -> dict[str, int]:
    """How many messages are in each status, of all there are."""
    return _kept("campaigns:by_status", MessageIntent.objects.counts_by_status)


def messages_due_on(day: date) -> dict[str, int]:
    """How many messages due on the viewer's local ``day`` are in each status."""
    start, end = midnight(day), midnight(day + timedelta(days=1))
    due = MessageIntent.objects.due_between(start, end)
    return _kept(f"campaigns:due:{start.isoformat()}:{end.isoformat()}", due.counts_by_status)


def unknown_deliveries() -> int:
    """Messages whose outcome nobody knows, waiting for a person."""
    return MessageIntent.objects.unknown().count()


def delivery_policy() -> DeliveryPolicy:
    """The one row, with who stopped sending when it is stopped."""
    return DeliveryPolicy.objects.select_related("stopped_by").get()


def _kept(key: str, read: Callable[[], dict[str, int]]) -> dict[str, int]:
    counts: dict[str, int] = cache.get_or_set(key, read, SECONDS_KEPT) or {}
    return counts
