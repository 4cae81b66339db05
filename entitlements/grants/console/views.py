"""Giving a member a benefit or a pack by hand, and taking back what was given."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.naming import name_of
from config.staff.access import Permission, requires
from entitlements.grants.console.forms import GiveForm, GivePackForm, ReasonForm
from entitlements.grants.console.steps import member_step
from entitlements.grants.models import Grant
from entitlements.grants.operations import giving
from members.people.models import Member

METHODS = ["GET", "HEAD", "POST"]


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def give(request: StaffRequest, member_id: int) -> HttpResponse:
    member, at = get_object_or_404(Member.objects.select_related("lifecycle"), pk=member_id), clock.now()
    zone = member.lifecycle.time_zone or settings.PROJECT_TIME_ZONE
    form = GiveForm(request.POST if request.method == "POST" else None, zone=zone, at=at)

    def act() -> None:
        giving.give_grant(member_id=member.pk, actor=request.user, at=at, **form.values())

    lead = _("Beside what her tier gives her. She has it at once.")
    return member_step(request, member, form, act, _("Give a benefit"), lead, _("Give it"), _("She has it."))


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def give_pack(request: StaffRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(Member, pk=member_id)
    posted = request.method == "POST"
    form = GivePackForm(request.POST if posted else None, initial={"pack": request.GET.get("pack", "")})

    def act() -> None:
        giving.give_pack(member_id=member.pk, actor=request.user, at=clock.now(), **form.cleaned_data)

    lead = _("The pack runs from now on for as many days as it lasts.")
    return member_step(request, member, form, act, _("Give a pack"), lead, _("Give it"), _("She has the pack."))


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
    return member_step(request, grant.member, form, act, heading, lead, _("Void"), _("The grant is over."), is_bad=True)
