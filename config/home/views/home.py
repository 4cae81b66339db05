from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from config.console.cards import cards_for
from config.console.http import StaffRequest
from config.console.work import WorkItem, work_for
from config.engine import clock
from config.staff.access import Permission, requires


@requires(Permission.VIEW)
@require_safe
def home(request: StaffRequest) -> HttpResponse:
    """What needs a person today, and the cards of every room; one card alone when htmx has it for target."""
    at = clock.now()
    cards = cards_for(request.user)
    target = request.htmx.target if request.htmx else None
    swapped = [card for card in cards if card.code == target]
    contents = {card.code: card.read(request.user, at, request.GET.dict()) for card in swapped or cards}
    if swapped:
        response = render(request, swapped[0].template, contents)
    else:
        items = work_for(request.user, at)
        shown = [card for card in cards if contents[card.code] is not None]
        context = {
            "work": items,
            "greeting": _greeting(items),
            "at": at,
            "beside": [card for card in shown if not card.is_wide],
            "across": [card for card in shown if card.is_wide],
        }
        response = render(request, "console/home.html", context | contents)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _greeting(items: list[WorkItem]) -> str:
    if not items:
        return _("Nothing waits for you")
    return ngettext("%(n)s thing waits for you", "%(n)s things wait for you", len(items)) % {"n": len(items)}
