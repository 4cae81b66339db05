"""Qualification policies: drafted, looked ahead, submitted, decided."""

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
from config.engine import clock
from config.engine.ids import read_id
from config.engine.refusal import Refused, refusal_text
from config.engine.words import REFUSALS
from config.staff.access import Permission, requires
from entitlements.tiers import tasks
from entitlements.tiers.console import pages
from entitlements.tiers.console.forms import OptionalReasonForm, PolicyForm
from entitlements.tiers.models import QualificationPolicy
from entitlements.tiers.operations import policies
from entitlements.tiers.operations.assessing import active_policy
from entitlements.tiers.operations.policies import CONDITIONS
from members.lifecycle.models import MemberLifecycle
from members.people.models import Member
from members.plans.models import Tier

# Judging so many takes about a second; more are judged by a worker.
PREVIEW_AT_ONCE = 20_000


@requires(Permission.VIEW)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """Which conditions are in force, and how they came to be."""
    versions = QualificationPolicy.objects.select_related("created_by", "approved_by")
    return render(request, "tiers/policies.html", {"versions": versions})


@requires(Permission.PROPOSE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    form = _form(request, active_policy(), with_note=False)
    if form.is_valid():
        made = policies.propose_policy(actor=request.user, at=clock.now(), **form.values)
        return redirect("tiers:policy", made.pk)
    return render(request, "tiers/policy_form.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.PROPOSE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, policy_id: int) -> HttpResponse:
    policy = get_object_or_404(QualificationPolicy, pk=policy_id)
    form = _form(request, policy, with_note=True)
    if form.is_valid():
        revise = partial(policies.revise_policy, policy_id=policy_id, actor=request.user, at=clock.now(), **form.values)
        return _decided(request, policy_id, revise, _("The draft is saved; look at who would move."))
    context = {"form": form, "policy": policy}
    return render(request, "tiers/policy_form.html", context, status=422 if form.errors else 200)


@requires(Permission.VIEW)
@require_safe
def detail(request: StaffRequest, policy_id: int) -> HttpResponse:
    """One version: what it asks, who would move under it, and the decision about it."""
    related = QualificationPolicy.objects.select_related("created_by", "approved_by")
    policy = get_object_or_404(related, pk=policy_id)
    found = policy.preview
    context = {
        "policy": policy,
        "ladder": pages.ladder_of(policy),
        "currency": pages.currency(),
        "matrix": pages.matrix_of(found["moves"], anyway=found["anyway"], policy_id=policy.pk) if found else None,
        "form": OptionalReasonForm(),
        "is_working": request.GET.get("after") == stamp_of(policy),
    }
    response = render(request, "tiers/policy.html#preview" if request.htmx else "tiers/policy.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@requires(Permission.PROPOSE_POLICY)
@require_POST
def preview(request: StaffRequest, policy_id: int) -> HttpResponse:
    """Work the matrix out: at once in a small base, by a worker in a big one while the page waits for it."""
    policy = get_object_or_404(QualificationPolicy, pk=policy_id)
    page = reverse("tiers:policy", args=[policy_id])
    if not MemberLifecycle.objects.order_by()[PREVIEW_AT_ONCE : PREVIEW_AT_ONCE + 1].exists():
        policies.preview_policy(policy_id=policy_id, at=clock.now())
        return redirect(page)
    tasks.preview_policy.delay_on_commit(policy_id)
    return redirect(f"{page}?{urlencode({'after': stamp_of(policy)})}")


@requires(Permission.VIEW)
@require_safe
def movers(request: StaffRequest, policy_id: int) -> HttpResponse:
    """The members behind one figure of the matrix, judged anew."""
    policy = get_object_or_404(QualificationPolicy, pk=policy_id)
    source, target = (_tier_asked(request.GET.get(name, "")) for name in ("from", "to"))
    after = request.GET.get("after", "")
    found, last = policies.movers_of(
        policy=policy, source=source.pk if source else None, target=target.pk if target else None,
        after=read_id(after) or 0, limit=pages.SHOWN, at=clock.now(),
    )  # fmt: skip
    context = {
        "policy": policy, "source": source, "target": target, "last": last, "after": after,
        "members": Member.objects.filter(pk__in=found).select_related("lifecycle").order_by("pk"),
    }  # fmt: skip
    return render(request, "tiers/movers.html", context)


@requires(Permission.PROPOSE_POLICY)
@require_POST
def submit(request: StaffRequest, policy_id: int) -> HttpResponse:
    decide = partial(policies.submit_policy, policy_id=policy_id, actor=request.user, at=clock.now())
    return _decided(request, policy_id, decide, _("The policy waits for a second person."))


@requires(Permission.APPROVE)
@require_POST
def approve(request: StaffRequest, policy_id: int) -> HttpResponse:
    response = _with_reason(request, policy_id, policies.approve_policy, _("The policy is in force."))
    tasks.assess.delay_on_commit()
    return response


@requires(Permission.APPROVE)
@require_POST
def reject(request: StaffRequest, policy_id: int) -> HttpResponse:
    return _with_reason(request, policy_id, policies.reject_policy, _("The policy is rejected."))


def stamp_of(policy: QualificationPolicy) -> str:
    """Which preview a page has seen: a newer one ends its waiting."""
    return policy.previewed_at.isoformat() if policy.previewed_at else "none"


def _form(request: StaffRequest, policy: QualificationPolicy, *, with_note: bool) -> PolicyForm:
    initial = {name: getattr(policy, name) for name in (*CONDITIONS, *(["note"] if with_note else []))}
    asked = {int(pk): (joined_by, own) for pk, (joined_by, own) in policies.summary(policy)["tiers"].items()}
    return PolicyForm(request.POST if request.method == "POST" else None, initial=initial, rungs=asked)


def _tier_asked(text: str) -> Tier | None:
    pk = read_id(text)
    return None if pk is None else get_object_or_404(Tier, pk=pk)


def _with_reason(request: StaffRequest, policy_id: int, decide: Callable[..., Any], done: str) -> HttpResponse:
    form = OptionalReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    bound = partial(decide, policy_id=policy_id, actor=request.user, at=clock.now(), reason=reason)
    return _decided(request, policy_id, bound, done)


def _decided(request: StaffRequest, policy_id: int, decide: Callable[[], object], done: str) -> HttpResponse:
    try:
        decide()
    except Refused as refused:
        messages.error(request, refusal_text(refused, REFUSALS))
    else:
        messages.success(request, done)
    return redirect("tiers:policy", policy_id)
