from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils import timezone

PROGRAMS = ("/v1/", "/api/", "/ofrep/")


class ProgramDoorMiddleware:
    """Requests of programs go straight to their view: no session, language, cookie or form token is theirs.

    The view answers for its own authentication, as it is marked public.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PROGRAMS):
            return self.get_response(request)
        request.resolver_match = match = resolve(request.path_info)
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        return response


class ViewerTimeZoneMiddleware:
    """Pages show instants in the viewer's own zone, else the project's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone = getattr(request.user, "time_zone", "") or settings.PROJECT_TIME_ZONE
        with timezone.override(ZoneInfo(zone)):
            return self.get_response(request)
