"""What people type to find a member is personal data, and an address is logged, kept and shared.

So a search is posted, kept in the session, and the list's address carries only a name for it.
"""

import secrets

from django.http import HttpRequest, QueryDict

from config.engine.registry import Registry

# The lists with a search, by name: the URL names of their pages.
LISTS: Registry[str] = Registry("searched lists")

KEPT = 30
MAX_LENGTH = 100


def remember(request: HttpRequest, text: str) -> str:
    """Keep the search in the session and return the name by which addresses may carry it."""
    kept = dict(request.session.get("searches", {}))
    name = next((known for known, other in kept.items() if other == text), secrets.token_urlsafe(6))
    newest = [*((known, other) for known, other in kept.items() if known != name), (name, text[:MAX_LENGTH])]
    request.session["searches"] = dict(newest[-KEPT:])
    return name


def recalled(request: HttpRequest) -> QueryDict:
    """The request's parameters with ``q`` as it was typed; one that is not this session's becomes empty."""
    params = request.GET.copy()
    if params.get("q"):
        params["q"] = request.session.get("searches", {}).get(params["q"], "")
    return params
