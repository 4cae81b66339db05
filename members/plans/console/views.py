"""Settings: plans and tiers."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.staff.access import Permission, requires
from members.plans.console.forms import PlanForm, TierForm
from members.plans.models import Plan, Tier
from members.plans.operations import save_plan, save_tier


@requires(Permission.ADMINISTER)
@require_safe
def plan_list(request: StaffRequest) -> HttpResponse:
    """What is sold, and the tiers it gives."""
    context = {"plans": Plan.objects.select_related("tier"), "tiers": Tier.objects.all()}
    return render(request, "members/plans.html", context)


@requires(Permission.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def plan_new(request: StaffRequest) -> HttpResponse:
    return _plan_page(request, None)


@requires(Permission.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def plan_edit(request: StaffRequest, plan_id: int) -> HttpResponse:
    return _plan_page(request, get_object_or_404(Plan, pk=plan_id))


@requires(Permission.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def tier_new(request: StaffRequest) -> HttpResponse:
    return _tier_page(request, None)


@requires(Permission.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def tier_edit(request: StaffRequest, tier_id: int) -> HttpResponse:
    return _tier_page(request, get_object_or_404(Tier, pk=tier_id))


def _plan_page(request: StaffRequest, plan: Plan | None) -> HttpResponse:
    form = PlanForm(request.POST if request.method == "POST" else None, instance=plan)

    def save() -> None:
        save_plan(plan_id=plan.pk if plan else None, actor=request.user, at=clock.now(), **form.cleaned_data)

    heading = _("Edit plan") if plan else _("New plan")
    lead = _("Terms already booked keep what they were bought as.") if plan else ""
    return _form_page(request, form, save, heading, lead)


def _tier_page(request: StaffRequest, tier: Tier | None) -> HttpResponse:
    form = TierForm(request.POST if request.method == "POST" else None, instance=tier)

    def save() -> None:
        save_tier(tier_id=tier.pk if tier else None, actor=request.user, at=clock.now(), **form.cleaned_data)

    return _form_page(request, form, save, _("Edit tier") if tier else _("New tier"), "")


def _form_page(
    request: StaffRequest, form: PlanForm | TierForm, save: Callable[[], None], heading: str, lead: str
) -> HttpResponse:
    if form.is_valid():
        save()
        messages.success(request, _("Saved."))
        return redirect("members:plans")
    context = {"form": form, "heading": heading, "lead": lead}
    return render(request, "members/plan_form.html", context, status=422 if form.errors else 200)
