"""Who is worth what: the overview, its settings with a preview, who moved, and the risk model."""

from time import monotonic
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.naming import name_of
from config.staff.access import Permission, requires
from members.plans.models import Plan
from members.value import tasks
from members.value.console import pages
from members.value.console.forms import SettingsForm, ThresholdsForm
from members.value.groups import Group
from members.value.models import RfmThresholds, ValueSettings
from members.value.operations import refreshing, saving
from members.value.weights import BIAS


@requires(Permission.VIEW)
@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    """The eight groups, maturity, churn risk and concentration."""
    template = "value/overview.html#figures" if request.htmx else "value/overview.html"
    response = render(request, template, {"overview": pages.Overview(clock.now()), "plans": Plan.objects.all()})
    patch_vary_headers(response, ["HX-Request"])
    return response


@requires(Permission.OPERATE)
@require_POST
def refresh(request: StaffRequest) -> HttpResponse:
    refreshing.request_refresh(actor=request.user, at=clock.now())
    tasks.refresh_due.delay_on_commit()
    return redirect("value:overview")


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def thresholds(request: StaffRequest) -> HttpResponse:
    """What counts as recent, frequent and high for the project."""
    return _thresholds_page(request, None)


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def plan_thresholds(request: StaffRequest, plan_id: int) -> HttpResponse:
    """The same for members whose cover comes from one plan."""
    return _thresholds_page(request, get_object_or_404(Plan, pk=plan_id))


@requires(Permission.OPERATE)
@require_POST
def plan_thresholds_drop(request: StaffRequest, plan_id: int) -> HttpResponse:
    plan = get_object_or_404(Plan, pk=plan_id)
    if saving.drop_thresholds(plan_id=plan.pk, actor=request.user, at=clock.now()):
        tasks.refresh_due.delay_on_commit()
        messages.success(request, _("The project's thresholds apply to this plan again."))
    else:
        messages.error(request, _("This plan has no thresholds of its own."))
    return redirect("value:overview")


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: StaffRequest) -> HttpResponse:
    """Currency, maturity thresholds, referral events and costs."""
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=ValueSettings.objects.get())
    if form.is_valid():
        saving.save_settings(actor=request.user, at=clock.now(), costs=form.costs, **form.values)
        tasks.refresh_due.delay_on_commit()
        messages.success(request, _("Saved. The scores are being computed anew."))
        return redirect("value:overview")
    return render(request, "value/settings.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.VIEW)
@require_safe
def changes(request: StaffRequest) -> HttpResponse:
    """Who moved from which group to which."""
    asked = {name: request.GET.get(name, "") for name in ("before", "source", "target")}
    context = {
        "changes": pages.Changes(**asked), "matrix": pages.move_matrix(clock.now()), "groups": Group.choices,
        "asked": asked,
    }  # fmt: skip
    return render(request, "value/changes.html", context)


@requires(Permission.VIEW)
@require_safe
def risk_model(request: StaffRequest) -> HttpResponse:
    """Every weight of the churn risk, and how well it foretold."""
    context = {"features": pages.model_features(), "evaluation": pages.evaluation_view(), "base": BIAS}
    return render(request, "value/risk.html", context)


def _thresholds_page(request: StaffRequest, plan: Plan | None) -> HttpResponse:
    """The form; asked for a preview it also shows who would move, saved it asks for a refresh."""
    own = RfmThresholds.objects.filter(plan=plan).first()
    shown = own or RfmThresholds.objects.get(plan__isnull=True)
    currency = ValueSettings.currency_now()
    form = ThresholdsForm(request.POST if request.method == "POST" else None, thresholds=shown, currency=currency)
    at, plan_id = clock.now(), plan.pk if plan else None
    context: dict[str, Any] = {"form": form, "plan": plan, "is_own": own is not None, "heading": _heading(plan)}
    if form.is_valid() and request.POST.get("action") == "save":
        saving.save_thresholds(plan_id=plan_id, actor=request.user, at=at, values=form.values)
        tasks.refresh_due.delay_on_commit()
        messages.success(request, _("Saved. The scores are being computed anew."))
        return redirect("value:overview")
    if form.is_valid():
        began = monotonic()
        shifts = saving.preview_thresholds(plan_id=plan_id, at=at, values=form.values)
        context |= {
            "shifts": pages.shifts_by_group(shifts), "movers": pages.movers(shifts),
            "seconds": monotonic() - began, "currency": currency,
        }  # fmt: skip
    return render(request, "value/thresholds.html", context, status=422 if form.errors else 200)


def _heading(plan: Plan | None) -> str:
    return _("RFM thresholds of %(plan)s") % {"plan": name_of(plan)} if plan else _("RFM thresholds of the project")
