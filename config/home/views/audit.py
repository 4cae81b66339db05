"""The audit log: who did what to which thing, when and why."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from config.console.http import StaffRequest
from config.home.audit_log import AuditLog
from config.staff.access import Permission, requires


@requires(Permission.VIEW)
@require_safe
def audit_log(request: StaffRequest) -> HttpResponse:
    log = AuditLog(request.GET)
    context: dict[str, Any] = {"log": log}
    template = "console/audit.html#entries" if request.htmx else "console/audit.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response
