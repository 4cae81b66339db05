"""Seats: the owners, one owner's seats, those that cannot follow, giving and ending one, and what plans bring."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from entitlements.seats.console.forms import EndForm, GiveForm, SeatPlanForm
from entitlements.seats.console.pages import OwnerList, OwnerPage, StuckList
from entitlements.seats.models import Seat, SeatPlan
from entitlements.seats.operations import seating
from entitlements.seats.operations.plans import SeatsInUse, save_seat_plan
from entitlements.seats.words import REFUSALS
from members.plans.models import Plan

METHODS = ["GET", "HEAD", "POST"]


@requires(Permission.VIEW)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    return render(request, "seats/index.html", {"listing": OwnerList(request.GET, at=clock.now())})


@requires(Permission.VIEW)
@require_safe
def stuck(request: StaffRequest) -> HttpResponse:
    return render(request, "seats/stuck.html", {"listing": StuckList(request.GET)})


@requires(Permission.VIEW)
@require_safe
def owner(request: StaffRequest, member_id: int) -> HttpResponse:
    return _owner_page(request, member_id)


@requires(Permission.OPERATE)
@require_POST
def give(request: StaffRequest, member_id: int) -> HttpResponse:
    """Give a seat to whom the form names; several found: one is chosen on the owner's page."""
    form = GiveForm(request.POST, owner_id=member_id)
    if form.is_valid() and form.chosen is not None:
        try:
            seating.give_seat(owner_id=member_id, member_id=form.chosen.pk, at=clock.now(), actor=request.user)
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("She has the seat; her cover runs as long as the owner's."))
            return redirect("seats:owner", member_id)
    found = form.found if form.is_valid() else []
    return _owner_page(request, member_id, status=422 if form.errors else 200, form=form, found=found)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def end(request: StaffRequest, seat_id: int) -> HttpResponse:
    """End one seat, after saying what that does."""
    seat = get_object_or_404(Seat.objects.select_related("member", "group__member"), pk=seat_id)
    form = EndForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        seating.end_seat(seat_id=seat_id, reason=reason, at=clock.now(), actor=request.user)
        messages.success(request, _("The seat is free again."))
        return redirect("seats:owner", seat.group.member_id)
    return render(request, "seats/end.html", {"seat": seat, "form": form}, status=422 if form.errors else 200)


@requires(Permission.ADMINISTER)
@require_http_methods(METHODS)
def plan(request: StaffRequest, plan_id: int) -> HttpResponse:
    """What seats a plan brings."""
    sold = get_object_or_404(Plan.objects.select_related("tier", "seat_plan"), pk=plan_id)
    brings: SeatPlan | None = getattr(sold, "seat_plan", None)
    initial = {"kind": brings.kind, "seats": brings.seats, "tier": brings.tier_id} if brings else None
    form = SeatPlanForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            save_seat_plan(plan=sold, actor=request.user, at=clock.now(), **form.cleaned_data)
        except SeatsInUse as in_use:
            words = _("An owner of this plan has given %(most)s. Take seats back first, or sell another plan.")
            form.add_error("seats", words % {"most": in_use.most})
        else:
            messages.success(request, _("Saved."))
            return redirect(f"{reverse('seats:index')}?plan={plan_id}")
    return render(request, "seats/plan.html", {"plan": sold, "form": form}, status=422 if form.errors else 200)


def _owner_page(request: StaffRequest, member_id: int, *, status: int = 200, **context: Any) -> HttpResponse:
    page = OwnerPage(member_id, request.GET, at=clock.now())
    shown = {"page": page, "form": GiveForm(owner_id=member_id)} | context
    return render(request, "seats/owner.html", shown, status=status)
