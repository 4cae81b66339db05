"""What is remembered of whom, and locking a renewal."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from entitlements.memory.console.pages import SnapshotList
from entitlements.memory.models import RenewalLock
from entitlements.memory.operations.locking import lock_renewal, unlock
from entitlements.memory.words import REFUSALS
from members.people.models import Member


@requires(Permission.VIEW)
@require_safe
def snapshots(request: StaffRequest) -> HttpResponse:
    """Whose benefits are kept in memory, and what came of it."""
    template = "memory/snapshots.html#listing" if request.htmx else "memory/snapshots.html"
    listing = SnapshotList(request.GET, at=clock.now())
    response = render(request, template, {"listing": listing})
    patch_vary_headers(response, ["HX-Request"])
    return response


@requires(Permission.OPERATE)
@require_POST
def lock(request: StaffRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(Member, pk=member_id)
    try:
        lock_renewal(member_id=member_id, at=clock.now(), actor=request.user)
        messages.success(request, _("Benefits and price are locked for the renewal."))
    except Refused as refused:
        messages.error(request, refusal_text(refused, REFUSALS))
    return redirect(f"{member.get_absolute_url()}#memory")


@requires(Permission.OPERATE)
@require_POST
def release(request: StaffRequest, lock_id: int) -> HttpResponse:
    found = get_object_or_404(RenewalLock.objects.select_related("member"), pk=lock_id)
    if unlock(lock_id=lock_id, at=clock.now(), actor=request.user):
        messages.success(request, _("The lock is released; the renewal costs what the plan costs then."))
    else:
        messages.error(request, _("The renewal is booked, or the lock was released before."))
    return redirect(f"{found.member.get_absolute_url()}#memory")
