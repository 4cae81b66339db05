from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from config.console.http import StaffRequest
from config.console.work import work_for
from config.engine import clock
from config.home import dashboard
from config.staff.access import Permission, requires


@requires(Permission.VIEW)
@require_safe
def home(request: StaffRequest) -> HttpResponse:
    """What needs a person today; the lifecycle card alone when htmx asks for another window."""
    at = clock.now()
    asked = request.GET.get("days", "")
    days = int(asked) if asked.isdecimal() and int(asked) in dashboard.WINDOWS else dashboard.WINDOWS[0]
    context = {"lifecycle": dashboard.lifecycle(at, days), "windows": dashboard.window_options(days)}
    if not request.htmx:
        items = work_for(request.user, at)
        context |= {"work": items, "greeting": dashboard.greeting(items), "expiry": dashboard.expiry(at), "at": at}
        context |= {"messages_today": dashboard.messages_today(at), "jobs": dashboard.running_jobs()}
    template = "console/home.html#lifecycle" if request.htmx else "console/home.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response
