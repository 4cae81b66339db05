from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.staff.access import Permission, requires


@requires(Permission.VIEW)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What needs a person today."""
    return render(request, "console/home.html")
