"""Who has which tier, who moved, and an assessment that stopped."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import brakes, clock
from config.staff.access import Permission, requires
from entitlements.tiers import tasks
from entitlements.tiers.console import pages
from entitlements.tiers.console.forms import ReasonForm
from entitlements.tiers.models import TierBrake
from entitlements.tiers.operations import assessing


@requires(Permission.VIEW)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """Members by the tier that counts and through what, who moved and who will be downgraded."""
    overview = pages.Overview(clock.now())
    context = {"overview": overview, "ladder": pages.ladder_of(overview.policy), "currency": pages.currency()}
    return render(request, "tiers/overview.html", context)


@requires(Permission.VIEW)
@require_safe
def changes(request: StaffRequest) -> HttpResponse:
    """Who came from which tier into which."""
    return render(request, "tiers/changes.html", {"changes": pages.Changes(request.GET, at=clock.now())})


@requires(Permission.VIEW)
@require_safe
def brake(request: StaffRequest, brake_id: int) -> HttpResponse:
    """An assessment that stopped: what it would do, against which limit, and the decision."""
    found = get_object_or_404(TierBrake.objects.select_related("decided_by"), pk=brake_id)
    return render(request, "tiers/brake.html", _brake_context(request, found, ReasonForm()))


@requires(Permission.APPROVE)
@require_POST
def brake_approve(request: StaffRequest, brake_id: int) -> HttpResponse:
    return _decided(request, brake_id, True, _("Approved: the members are being assessed."))


@requires(Permission.APPROVE)
@require_POST
def brake_release(request: StaffRequest, brake_id: int) -> HttpResponse:
    return _decided(request, brake_id, False, _("Released: the next assessment judges them anew, under the brake."))


def _brake_context(request: StaffRequest, found: TierBrake, form: ReasonForm) -> dict[str, object]:
    is_open = found.status == brakes.Status.OPEN
    held = pages.HeldMembers(found, request.GET)
    return {"brake": found, "form": form, "matrix": pages.matrix_of(found.matrix), "is_open": is_open, "held": held}


def _decided(request: StaffRequest, brake_id: int, is_right: bool, done: str) -> HttpResponse:
    found = get_object_or_404(TierBrake.objects.select_related("decided_by"), pk=brake_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return render(request, "tiers/brake.html", _brake_context(request, found, form), status=422)
    reason = form.cleaned_data["reason"]
    try:
        assessing.decide_brake(brake_id=brake_id, is_right=is_right, actor=request.user, at=clock.now(), reason=reason)
    except TierBrake.DoesNotExist:
        messages.error(request, _("Somebody else decided about this brake already."))
        return render(request, "tiers/brake.html", _brake_context(request, found, form), status=409)
    tasks.assess.delay_on_commit()
    messages.success(request, done)
    return redirect("tiers:brake", brake_id)
