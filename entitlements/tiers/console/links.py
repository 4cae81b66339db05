"""Addresses of the list of moves, which shows whom a figure elsewhere counts."""

from urllib.parse import urlencode

from django.urls import reverse

from entitlements.tiers.querysets.changes import MOVED_DAYS


def moves_list(**parameters: object) -> str:
    """The moves of the last ``MOVED_DAYS``, narrowed by ``direction`` (up, down) and ``to`` (a tier's id)."""
    return f"{reverse('tiers:changes')}?{urlencode({**parameters, 'days': MOVED_DAYS})}"
