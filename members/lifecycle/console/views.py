"""Lifecycle policy, the brake, and anomalies."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import brakes, clock
from config.engine.ids import read_id
from config.engine.refusal import Refused, refusal_text
from config.engine.words import REFUSALS
from config.staff.access import Permission, requires
from members.lifecycle import metrics, tasks
from members.lifecycle.console.forms import OptionalReasonForm, PolicyForm, ReasonForm
from members.lifecycle.console.matrix import matrix_of
from members.lifecycle.console.reasons import reasons_for
from members.lifecycle.models import LifecyclePolicy, SweepBrake
from members.lifecycle.operations import policies, sweep
from members.lifecycle.policy_effects import EFFECTS
from members.people.models import Member
from members.terms.models import MembershipTerm

# Judging copies of so many members takes about a second; more are judged by a worker.
PREVIEW_AT_ONCE = 20_000
ANOMALIES_SHOWN = 50


@requires(Permission.VIEW)
@require_safe
def policy_list(request: StaffRequest) -> HttpResponse:
    """Which thresholds are in force, and how they came to be."""
    versions = LifecyclePolicy.objects.select_related("created_by", "approved_by")
    context = {
        "versions": versions,
        "current": sweep.active_policy(),
        "brakes": SweepBrake.objects.select_related("decided_by")[:10],
        "anomalies": metrics.anomalies(),
    }
    return render(request, "members/policies.html", context)


@requires(Permission.PROPOSE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def policy_new(request: StaffRequest) -> HttpResponse:
    initial = {name: getattr(sweep.active_policy(), name) for name in policies.THRESHOLDS}
    form = PolicyForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        policy = policies.propose_policy(actor=request.user, at=clock.now(), **form.cleaned_data)
        return redirect("members:policy", policy.pk)
    return render(request, "members/policy_form.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.PROPOSE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def policy_edit(request: StaffRequest, policy_id: int) -> HttpResponse:
    policy = get_object_or_404(LifecyclePolicy, pk=policy_id)
    initial = {name: getattr(policy, name) for name in (*policies.THRESHOLDS, "note")}
    form = PolicyForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        at = clock.now()
        try:
            policies.revise_policy(policy_id=policy_id, actor=request.user, at=at, **form.cleaned_data)
        except Refused as refused:
            messages.error(request, refusal_text(refused, REFUSALS))
        return redirect("members:policy", policy_id)
    context = {"form": form, "policy": policy}
    return render(request, "members/policy_form.html", context, status=422 if form.errors else 200)


@requires(Permission.VIEW)
@require_safe
def policy_detail(request: StaffRequest, policy_id: int) -> HttpResponse:
    """One version: thresholds, what it changes, who would move, and the decision about it."""
    template = "members/policy.html#preview" if request.htmx else "members/policy.html"
    context = policy_context(policy_id)
    context["is_working"] = request.GET.get("after") == stamp_of(context["policy"])
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def policy_context(policy_id: int) -> dict[str, Any]:
    related = LifecyclePolicy.objects.select_related("created_by", "approved_by")
    policy = get_object_or_404(related, pk=policy_id)
    current = sweep.active_policy()
    preview = policy.preview
    return {
        "policy": policy,
        "current": current,
        "changed": policies.changes(current, policy) if policy.status in ("draft", "submitted") else {},
        "preview": preview,
        "matrix": matrix_of(preview["moves"] if preview else [], limit=sweep.brake_limit(policy)),
        "is_listened_to": bool(EFFECTS),
        "form": OptionalReasonForm(),
    }


@requires(Permission.PROPOSE_POLICY)
@require_POST
def policy_preview(request: StaffRequest, policy_id: int) -> HttpResponse:
    """Work the matrix out: at once in a small base, by a worker in a big one while the page waits for it."""
    policy = get_object_or_404(LifecyclePolicy, pk=policy_id)
    page = reverse("members:policy", args=[policy_id])
    if sum(metrics.members_by_state().values()) <= PREVIEW_AT_ONCE:
        policies.preview_policy(policy_id=policy_id, at=clock.now())
        return redirect(page)
    tasks.preview_policy.delay_on_commit(policy_id)
    return redirect(f"{page}?{urlencode({'after': stamp_of(policy)})}")


@requires(Permission.PROPOSE_POLICY)
@require_POST
def policy_submit(request: StaffRequest, policy_id: int) -> HttpResponse:
    decide = partial(policies.submit_policy, policy_id=policy_id, actor=request.user, at=clock.now())
    return _decided(request, policy_id, decide, _("The policy waits for a second person."))


@requires(Permission.APPROVE)
@require_POST
def policy_approve(request: StaffRequest, policy_id: int) -> HttpResponse:
    form = OptionalReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    decide = partial(policies.approve_policy, policy_id=policy_id, actor=request.user, at=clock.now(), reason=reason)
    response = _decided(request, policy_id, decide, _("The policy is in force; members are being judged by it."))
    tasks.roll_out_policy.delay_on_commit()
    return response


@requires(Permission.APPROVE)
@require_POST
def policy_reject(request: StaffRequest, policy_id: int) -> HttpResponse:
    form = OptionalReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    decide = partial(policies.reject_policy, policy_id=policy_id, actor=request.user, at=clock.now(), reason=reason)
    return _decided(request, policy_id, decide, _("The policy is rejected."))


def stamp_of(policy: LifecyclePolicy) -> str:
    """Which preview a page has seen: a newer one ends its waiting."""
    return policy.previewed_at.isoformat() if policy.previewed_at else "none"


def _decided(request: StaffRequest, policy_id: int, decide: Callable[[], object], done: str) -> HttpResponse:
    try:
        decide()
    except Refused as refused:
        messages.error(request, refusal_text(refused, REFUSALS))
    else:
        messages.success(request, done)
    return redirect("members:policy", policy_id)


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
    reasons = {e.member_id: reasons_for(e, policy, last.get(e.member_id)) for e in sweep.explain(member_ids=ids, at=at)}
    context = {
        "rows": [(member, reasons.get(member.pk)) for member in shown],
        "next": shown[-1].pk if len(found) > ANOMALIES_SHOWN else None,
        "count": metrics.anomalies(),
    }
    return render(request, "members/anomalies.html", context)
