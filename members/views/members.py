from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from config.staff import clock
from config.staff.access import Permission, requires
from members.listing import Listing


@requires(Permission.VIEW)
@require_safe
def member_list(request: HttpRequest) -> HttpResponse:
    """Who, in which state, and what to do with them together."""
    template = "members/list.html#listing" if request.htmx else "members/list.html"
    response = render(request, template, {"listing": Listing(request, clock.now())})
    patch_vary_headers(response, ["HX-Request"])
    return response
