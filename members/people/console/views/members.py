"""The members list, one member's page, and her profile."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.staff.access import Permission, requires
from members.people.console.forms import MemberForm
from members.people.console.listing import Listing
from members.people.console.portrait import Portrait
from members.people.console.views.following import follows_merges
from members.people.models import Member
from members.people.operations.reveal import reveal_identities


@requires(Permission.VIEW)
@require_safe
def member_list(request: StaffRequest) -> HttpResponse:
    """Who, in which state, and what to do with them together."""
    template = "members/list.html#listing" if request.htmx else "members/list.html"
    response = render(request, template, {"listing": Listing(request, clock.now())})
    patch_vary_headers(response, ["HX-Request"])
    # A posted search was redirected here; the address bar should follow.
    response["HX-Push-Url"] = request.get_full_path()
    return response


@requires(Permission.VIEW)
@require_safe
@follows_merges
def member_detail(request: StaffRequest, member_id: int) -> HttpResponse:
    """Where this member stands and why; the timeline alone when htmx pages through it."""
    template = "members/detail.html#timeline" if request.htmx else "members/detail.html"
    portrait = Portrait(member_id, at=clock.now(), params=request.GET)
    response = render(request, template, {"portrait": portrait, "member": portrait.member})
    patch_vary_headers(response, ["HX-Request"])
    return response


@requires(Permission.REVEAL)
@require_POST
def reveal(request: StaffRequest, member_id: int) -> HttpResponse:
    """Phone, address and ids in full, in answer to this one request only."""
    at = clock.now()
    portrait = Portrait(member_id, at=at, params=request.GET)
    revealed = reveal_identities(member_id=member_id, actor=request.user, at=at)
    template = "members/detail.html#profile" if request.htmx else "members/detail.html"
    context = {"portrait": portrait, "member": portrait.member, "revealed": revealed}
    response = render(request, template, context)
    response["Cache-Control"] = "no-store"
    return response


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def member_new(request: StaffRequest) -> HttpResponse:
    form = MemberForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and (member := form.save(actor=request.user, at=clock.now())):
        messages.success(request, _("The member is created."))
        return redirect(member)
    return render(request, "members/form.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
@follows_merges
def member_edit(request: StaffRequest, member_id: int) -> HttpResponse:
    members = Member.objects.select_related("lifecycle").prefetch_related("identities")
    member = get_object_or_404(members, pk=member_id)
    form = MemberForm(request.POST if request.method == "POST" else None, member=member)
    if form.is_valid() and form.save(actor=request.user, at=clock.now()):
        messages.success(request, _("The profile is saved."))
        return redirect(member)
    return render(request, "members/form.html", {"form": form, "member": member}, status=422 if form.errors else 200)
