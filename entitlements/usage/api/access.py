"""The door for programs that check and use benefits and coupons: a write key that may, and whom it means."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from config.api.bodies import UnusableBody, secret_of
from config.api.problems import asking_for_key, problem, status_of
from config.engine import clock
from config.staff.access import public
from entitlements.usage.scope import SCOPE
from members.events.operations.keys import note_use
from members.events.querysets.keys import key_opened_by
from members.people.models import Identity, Member

View = Callable[..., HttpResponseBase]


def refuse(code: str, status: HTTPStatus, /, **_arguments: Any) -> HttpResponse:
    """The answer of most doors to a key that may not, or a body that cannot be read."""
    return problem(code, status)


def keyed(refuse: Callable[..., HttpResponse], *, scope: str = SCOPE) -> Callable[[View], View]:
    """Open a view to write keys with ``scope``; it is called with the key and the instant beside its own arguments.

    ``refuse`` makes the answer of a code, a status and those arguments where there is no such key, or the view says
    that the body cannot be read. The key is the whole of the authentication: no session, no cookie.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def opened(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
            response = answered(request, **arguments)
            # Django would log the path of a refusal, and the path names the member.
            response._has_been_logged = True  # type: ignore[attr-defined]
            return response

        def answered(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
            at = clock.now()
            key = key_opened_by(secret_of(request), at)
            if key is None:
                return asking_for_key(refuse("unauthorized", HTTPStatus.UNAUTHORIZED, **arguments))
            if scope not in key.scopes:
                return refuse("not_allowed", HTTPStatus.FORBIDDEN, **arguments)
            note_use(key=key, at=at)
            try:
                return view(request, key=key, at=at, **arguments)
            except UnusableBody as unusable:
                return refuse(unusable.code, status_of(unusable.code), **arguments)

        return public(csrf_exempt(opened))

    return decorate


def member_named(external_id: str) -> Member | None:
    """The member with this external id, also one she came with from a merge."""
    found = Identity.every.filter(kind=Identity.Kind.EXTERNAL_ID, value=external_id).select_related("member").first()
    return found.member if found else None
