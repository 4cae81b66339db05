"""The rule's shape for experts."""

import json

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.console.http import StaffRequest
from config.staff.access import Permission, requires
from members.segments.schema import json_schema


@requires(Permission.OPERATE)
@require_safe
def rule_schema(request: StaffRequest) -> HttpResponse:
    """The JSON Schema of rules: a file, or a piece of the builder when htmx asks."""
    text = json.dumps(json_schema(), ensure_ascii=False, indent=2)
    if request.htmx:
        return render(request, "segments/includes/schema.html", {"schema": text})
    response = HttpResponse(text, content_type="application/schema+json; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="segment-rule.schema.json"'
    response["Vary"] = "HX-Request"
    return response
