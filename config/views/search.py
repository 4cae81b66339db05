from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from config import search
from config.staff.access import Permission, requires

MAX_LENGTH = 100


@requires(Permission.VIEW)
@require_safe
def palette(request: HttpRequest) -> HttpResponse:
    """The options of Ctrl-K for ``?q=``, as a fragment."""
    text = request.GET.get("q", "")[:MAX_LENGTH]
    context = {"query": text.strip(), "groups": search.find(request.user, text)}
    response = render(request, "components/palette_results.html", context)
    patch_cache_control(response, private=True, no_store=True)
    return response
