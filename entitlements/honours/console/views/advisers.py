"""Who looks after whom: everybody at once, and one member."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from entitlements.honours.console.forms import AdviserForm, SpreadForm
from entitlements.honours.console.pages import Advisers
from entitlements.honours.console.portrait import MemberHonours
from entitlements.honours.operations import advising
from entitlements.honours.words import REFUSALS
from members.people.models import Member

METHODS = ["GET", "HEAD", "POST"]


@requires(Permission.VIEW)
@require_http_methods(["GET", "HEAD"])
def index(request: StaffRequest) -> HttpResponse:
    """Who looks after how many, and how many wait."""
    return _page(request, SpreadForm())


@requires(Permission.OPERATE)
@require_POST
def spread(request: StaffRequest) -> HttpResponse:
    """Give everybody who waits an adviser."""
    form = SpreadForm(request.POST)
    if form.is_valid():
        chosen = [user.pk for user in form.cleaned_data["advisers"]]
        try:
            got = advising.spread_members(adviser_ids=chosen, actor=request.user, at=clock.now())
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            n = sum(got.values())
            messages.success(
                request,
                ngettext("%(n)s member has an adviser now.", "%(n)s members have an adviser now.", n) % {"n": n},
            )
            return redirect("honours:advisers")
    return _page(request, form, status=422)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def assign(request: StaffRequest, member_id: int) -> HttpResponse:
    """Choose who looks after a member; in the console's drawer when htmx asks for it there."""
    member = get_object_or_404(Member.objects.select_related("lifecycle"), pk=member_id)
    honours = MemberHonours(member.pk, clock.now())
    initial = {"adviser": honours.assignment.adviser_id if honours.assignment else None}
    form = AdviserForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            advising.assign_adviser(
                member_id=member.pk, adviser_id=form.cleaned_data["adviser"].pk, actor=request.user, at=clock.now()
            )
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("The adviser is assigned."))
            target = f"{member.get_absolute_url()}#honours"
            return HttpResponseClientRedirect(target) if request.htmx else redirect(target)
    template = "honours/assign.html#drawer" if request.htmx else "honours/assign.html"
    response = render(request, template, {"form": form, "member": member}, status=422 if form.errors else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


@requires(Permission.OPERATE)
@require_POST
def unassign(request: StaffRequest, member_id: int) -> HttpResponse:
    """Nobody looks after her any more; another one can be assigned at once."""
    member = get_object_or_404(Member, pk=member_id)
    try:
        advising.unassign_adviser(member_id=member.pk, actor=request.user, at=clock.now())
    except Refused as refused:
        messages.error(request, refusal_text(refused, REFUSALS))
    else:
        messages.success(request, _("Nobody looks after her any more."))
    return redirect(f"{member.get_absolute_url()}#honours")


def _page(request: StaffRequest, form: SpreadForm, status: int = 200) -> HttpResponse:
    return render(request, "honours/advisers.html", {"advisers": Advisers(), "form": form}, status=status)
