"""Addresses of the members list, which shows whom a figure elsewhere counts."""

from urllib.parse import urlencode

from django.urls import reverse


def members_list(**parameters: object) -> str:
    """The list narrowed by its filters."""
    return f"{reverse('members:list')}?{urlencode(parameters)}"
