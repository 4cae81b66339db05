"""A tier given to one member, and taken back; in the console's drawer when htmx asks for it there."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from config.console.http import StaffRequest
from config.engine import clock
from config.staff.access import Permission, requires
from entitlements.tiers.console.forms import GiveForm, MemberTierForm, TakeBackForm
from members.people.models import Member

Text = str | Promise


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def give(request: StaffRequest, member_id: int) -> HttpResponse:
    words = {
        "title": _("Give a tier"),
        "lead": _("It counts at once, beside what she earned and bought: the highest of them is hers."),
        "button": _("Give it"),
        "done": _("The tier is given."),
    }
    return _page(request, member_id, GiveForm, words)


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def take_back(request: StaffRequest, member_id: int) -> HttpResponse:
    words = {
        "title": _("Take the given tier back"),
        "lead": _("What she earned or bought stays hers."),
        "button": _("Take it back"),
        "done": _("The tier is taken back."),
    }
    return _page(request, member_id, TakeBackForm, words)


def _page(
    request: StaffRequest, member_id: int, form_class: type[MemberTierForm], words: Mapping[str, Text]
) -> HttpResponse:
    member = get_object_or_404(Member.objects.select_related("lifecycle"), pk=member_id)
    form = form_class(request.POST if request.method == "POST" else None, member=member, at=clock.now())
    if form.is_valid() and form.carry_out(actor=request.user):
        messages.success(request, str(words["done"]))
        target = member.get_absolute_url()
        return HttpResponseClientRedirect(target) if request.htmx else redirect(target)
    template = "tiers/manual.html#drawer" if request.htmx else "tiers/manual.html"
    context = {"form": form, "member": member, "words": words}
    response = render(request, template, context, status=422 if form.errors else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response
