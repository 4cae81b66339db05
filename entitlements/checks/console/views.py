"""Whether benefits add up, and where they do not."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from config.console.http import StaffRequest
from config.staff.access import Permission, requires
from entitlements.checks.console.pages import lines
from entitlements.checks.tasks import check_invariants


@requires(Permission.VIEW)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    return render(request, "checks/index.html", {"lines": lines()})


@requires(Permission.OPERATE)
@require_POST
def run(request: StaffRequest) -> HttpResponse:
    """Have a worker look now; it reads everything, so nobody waits for it."""
    check_invariants.delay_on_commit()
    return redirect("checks:index")
