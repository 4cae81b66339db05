"""How segment pages answer: refusals in words, redirects that htmx follows, pages that vary with it."""

from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers

from config.console.http import StaffRequest
from members.segments.console.builder.page import Builder
from members.segments.console.builder.session import DETAIL, HasRule, Session
from members.segments.models import Segment

METHODS = ["GET", "HEAD", "POST"]
_CLIPBOARD = "segment_clipboard"


def gone_to(request: StaffRequest, address: str) -> HttpResponse:
    if not request.htmx:
        return redirect(address)
    return HttpResponse(status=204, headers={"HX-Redirect": address})


def varied(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["HX-Request"])
    return response


def begun(request: StaffRequest, thing: HasRule | None) -> Session:
    """A builder opened; a condition copied in another is at hand."""
    return Session.begin(thing, request.session.get(_CLIPBOARD, ""))


def gone_on(request: StaffRequest) -> Session:
    """The builder after the step that was sent. Raises DraftBroken."""
    clipboard = request.session.get(_CLIPBOARD, "")
    session = Session.go_on(request.POST, clipboard)
    if session.clipboard != clipboard:
        request.session[_CLIPBOARD] = session.clipboard
    return session


def built(request: StaffRequest, session: Session, *, at: datetime, segment: Segment | None = None) -> Builder:
    """The builder's page after a step. htmx gets the first figures at once and then asks for the others."""
    in_detail = not request.htmx or asks_for_detail(request)
    return Builder(session.draft, at=at, segment=segment, who=request.POST.get("who", ""), in_detail=in_detail)


def asks_for_detail(request: StaffRequest) -> bool:
    """Whether nothing was changed and only the figures that take longer are wanted."""
    return request.POST.get("do") == DETAIL


def detail_shown(request: StaffRequest, builder: Builder) -> HttpResponse:
    return varied(render(request, "segments/includes/detail.html", {"builder": builder}))
