"""The brake, and anomalies."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import brakes, clock
from config.engine.ids import read_id
from config.staff.access import Permission, requires
from members.lifecycle import metrics, tasks
from members.lifecycle.console.forms import ReasonForm
from members.lifecycle.console.matrix import matrix_of
from members.lifecycle.console.reasons import reasons_for
from members.lifecycle.models import SweepBrake
from members.lifecycle.operations import sweep
from members.people.models import Member
from members.terms.models import MembershipTerm

ANOMALIES_SHOWN = 50


@requires(Permission.VIEW)
@require_safe
def brake_detail(request: StaffRequest, brake_id: int) -> HttpResponse:
    """A sweep that stopped: what it would do, against which limit, and the decision."""
    brake = get_object_or_404(SweepBrake.objects.select_related("decided_by"), pk=brake_id)
    return render(request, "members/brake.html", brake_context(brake, ReasonForm()))


def brake_context(brake: SweepBrake, form: ReasonForm) -> dict[str, object]:
    return {
        "brake": brake,
        "form": form,
        "matrix": matrix_of(brake.matrix, limit=brake.limit_count),
        "still_held": brake.held.count(),
        "is_open": brake.status == brakes.Status.OPEN,
    }


@requires(Permission.APPROVE)
@require_POST
def brake_approve(request: StaffRequest, brake_id: int) -> HttpResponse:
    response = _brake_decided(request, brake_id, sweep.approve_brake, _("Approved: the held members are being judged."))
    if response.status_code == 302:
        tasks.run_approved_brake.delay_on_commit(brake_id)
    return response


@requires(Permission.APPROVE)
@require_POST
def brake_release(request: StaffRequest, brake_id: int) -> HttpResponse:
    done = _("Released: the next sweep judges the held members again, under the brake as usual.")
    return _brake_decided(request, brake_id, sweep.release_brake, done)


def _brake_decided(request: StaffRequest, brake_id: int, decide: Callable[..., SweepBrake], done: str) -> HttpResponse:
    brake = get_object_or_404(SweepBrake.objects.select_related("decided_by"), pk=brake_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return render(request, "members/brake.html", brake_context(brake, form), status=422)
    try:
        decide(brake_id=brake_id, actor=request.user, at=clock.now(), reason=form.cleaned_data["reason"])
    except SweepBrake.DoesNotExist:
        messages.error(request, _("Somebody else decided about this brake already."))
        return render(request, "members/brake.html", brake_context(brake, form), status=409)
    messages.success(request, done)
    return redirect("members:brake", brake_id)


@requires(Permission.VIEW)
@require_safe
def anomaly_list(request: StaffRequest) -> HttpResponse:
    """Members whose facts say one state while no declared move leads there; never forced, always explained."""
    at, after = clock.now(), read_id(request.GET.get("after", ""))
    rows = Member.objects.anomalous().behind(after or 0)
    found = list(rows.select_related("lifecycle")[: ANOMALIES_SHOWN + 1])
    shown = found[:ANOMALIES_SHOWN]
    policy = sweep.active_policy()
    ids = [member.pk for member in shown]
    begun = MembershipTerm.objects.filter(member_id__in=ids).select_related("plan", "tier").last_begun(at)
    last = {term.member_id: term for term in begun}
    zones = {member.pk: member.lifecycle.time_zone for member in shown}
    reasons = {
        e.member_id: reasons_for(e, policy, last.get(e.member_id), zones[e.member_id])
        for e in sweep.explain(member_ids=ids, at=at)
    }
    context = {
        "rows": [(member, reasons.get(member.pk)) for member in shown],
        "next": shown[-1].pk if len(found) > ANOMALIES_SHOWN else None,
        "count": metrics.anomalies(),
    }
    return render(request, "members/anomalies.html", context)
