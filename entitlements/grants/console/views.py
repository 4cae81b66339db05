"""One member's benefits: everything she was given and used, and giving, voiding and taking back by hand."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.ids import read_id
from config.engine.naming import name_of
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from entitlements.grants.console.forms import GiveForm, GivePackForm, ReasonForm
from entitlements.grants.console.portrait import MemberBenefits
from entitlements.grants.models import Grant
from entitlements.grants.operations import giving
from entitlements.grants.words import REFUSALS
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.consuming import reverse as take_back
from members.people.models import Member

METHODS = ["GET", "HEAD", "POST"]


@requires(Permission.VIEW)
@require_safe
def of_member(request: StaffRequest, member_id: int) -> HttpResponse:
    """Every balance, grant and usage record of a member."""
    member = get_object_or_404(Member.objects.select_related("lifecycle"), pk=member_id)
    benefits = MemberBenefits(member.pk, clock.now())
    grants, next_grants = benefits.grants(read_id(request.GET.get("grants", "")))
    usage, next_usage = benefits.usage(read_id(request.GET.get("usage", "")))
    context = {
        "member": member, "benefits": benefits, "grants": grants, "next_grants": next_grants, "usage": usage,
        "next_usage": next_usage,
    }  # fmt: skip
    return render(request, "benefits/member.html", context)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def give(request: StaffRequest, member_id: int) -> HttpResponse:
    member, at = get_object_or_404(Member.objects.select_related("lifecycle"), pk=member_id), clock.now()
    zone = member.lifecycle.time_zone or settings.PROJECT_TIME_ZONE
    form = GiveForm(request.POST if request.method == "POST" else None, zone=zone, at=at)

    def act() -> None:
        giving.give_grant(member_id=member.pk, actor=request.user, at=at, **form.values())

    lead = _("Beside what her tier gives her. She has it at once.")
    return _step(request, member, form, act, _("Give a benefit"), lead, _("Give it"), _("She has it."))


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def give_pack(request: StaffRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(Member, pk=member_id)
    posted = request.method == "POST"
    form = GivePackForm(request.POST if posted else None, initial={"pack": request.GET.get("pack", "")})

    def act() -> None:
        giving.give_pack(member_id=member.pk, actor=request.user, at=clock.now(), **form.cleaned_data)

    lead = _("The pack runs from now on for as many days as it lasts.")
    return _step(request, member, form, act, _("Give a pack"), lead, _("Give it"), _("She has the pack."))


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def void(request: StaffRequest, grant_id: int) -> HttpResponse:
    """Asks once more before a grant ends."""
    grant = get_object_or_404(Grant.objects.select_related("member", "benefit"), pk=grant_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def act() -> None:
        giving.void_grant(grant_id=grant.pk, actor=request.user, at=clock.now(), **form.cleaned_data)

    heading = _("Void “%(benefit)s”") % {"benefit": name_of(grant.benefit)}
    lead = _("The grant ends now. What was used of it stays used. This cannot be undone.")
    return _step(request, grant.member, form, act, heading, lead, _("Void"), _("The grant is over."), is_bad=True)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def reverse_use(request: StaffRequest, usage_id: int) -> HttpResponse:
    """Asks once more before a use is taken back."""
    used = get_object_or_404(UsageRecord.objects.select_related("member", "benefit"), pk=usage_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def act() -> None:
        take_back(
            record_id=used.pk, actor=request.user, at=clock.now(), origin=UsageRecord.Origin.HAND, **form.cleaned_data
        )

    heading = _("Take back a use of “%(benefit)s”") % {"benefit": name_of(used.benefit)}
    lead = _("She gets back %(amount)s, unless the usage period it lay in has ended. This cannot be undone.")
    words = lead % {"amount": used.amount}
    return _step(request, used.member, form, act, heading, words, _("Take back"), _("Taken back."), is_bad=True)


def _step(
    request: StaffRequest,
    member: Member,
    form: Any,
    act: Callable[[], None],
    heading: str,
    lead: str,
    button: str,
    done: str,
    *,
    is_bad: bool = False,
) -> HttpResponse:
    """A form about one member: shown, or done and back to her benefits."""
    back = reverse("benefits:of-member", args=[member.pk])
    if form.is_valid():
        try:
            act()
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, done)
            return redirect(back)
    context = {
        "form": form, "member": member, "heading": heading, "lead": lead, "button": button, "back": back,
        "is_bad": is_bad,
    }  # fmt: skip
    return render(request, "benefits/step.html", context, status=422 if form.errors else 200)
