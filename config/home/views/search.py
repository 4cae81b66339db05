from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST

from config.console import palette as results
from config.console import searches
from config.console.http import StaffRequest
from config.staff.access import Permission, requires


@requires(Permission.VIEW)
@require_POST
def palette(request: StaffRequest) -> HttpResponse:
    """The options of Ctrl-K for ``q``, as a fragment. Posted, so that a typed phone number is in no address."""
    text = request.POST.get("q", "")[: searches.MAX_LENGTH]
    context = {"query": text.strip(), "groups": results.find(request.user, text)}
    response = render(request, "components/palette_results.html", context)
    patch_cache_control(response, private=True, no_store=True)
    return response


@requires(Permission.VIEW)
@require_POST
def find(request: StaffRequest, in_list: str) -> HttpResponse:
    """Take a list's query form and go to the list, with what was typed kept out of its address."""
    url_name = searches.LISTS.get(in_list)
    if url_name is None:
        raise Http404
    params = request.POST.copy()
    params.pop("csrfmiddlewaretoken", None)
    text = params.pop("q", [""])[-1].strip()
    for name in [name for name, value in params.items() if not value]:
        del params[name]
    if text:
        params["q"] = searches.remember(request, text)
    return redirect(f"{reverse(url_name)}?{params.urlencode()}")
