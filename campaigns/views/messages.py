"""Messages: every one with its status and reason, one in full, and the stop of all sending."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from campaigns import metrics
from campaigns.forms import ReasonForm, ResolveForm, ResumeForm, StopForm
from campaigns.listing import Listing
from campaigns.models import MessageIntent
from campaigns.portrait import Portrait
from config.console.http import StaffRequest
from config.engine import clock
from config.staff.access import Permission, requires

MAIL_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; "
    "form-action 'none'; sandbox"
)


@requires(Permission.VIEW)
@require_safe
def message_list(request: StaffRequest) -> HttpResponse:
    """What members are told, when, and what became of it."""
    template = "campaigns/messages.html#listing" if request.htmx else "campaigns/messages.html"
    response = _partly(render(request, template, {"listing": Listing(request)}))
    # A posted search was redirected here; the address bar should follow.
    response["HX-Push-Url"] = request.get_full_path()
    return response


@requires(Permission.VIEW)
@require_safe
def message_detail(request: StaffRequest, intent_id: int) -> HttpResponse:
    """One message: why it is so, and its words; in the drawer when htmx asks."""
    intent = get_object_or_404(MessageIntent.objects.in_full(), pk=intent_id)
    template = "campaigns/message.html#drawer" if request.htmx else "campaigns/message.html"
    return _partly(render(request, template, {"portrait": Portrait(intent, clock.now()), "message": intent}))


@requires(Permission.VIEW)
@require_safe
@xframe_options_sameorigin
def message_html(request: StaffRequest, intent_id: int) -> HttpResponse:
    """The HTML part by itself, for a frame: no script, no form, no picture from elsewhere."""
    portrait = Portrait(get_object_or_404(MessageIntent, pk=intent_id), clock.now())
    if portrait.words is None or not portrait.words.html:
        raise Http404
    response = HttpResponse(portrait.words.html)
    # Mail carries its style inline; that is allowed in this document alone, which can do nothing else.
    response["Content-Security-Policy"] = MAIL_CSP
    response["Cache-Control"] = "no-store"
    return response


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def message_resolve(request: StaffRequest, intent_id: int) -> HttpResponse:
    """Settle a delivery whose outcome nobody knows."""
    intent = get_object_or_404(MessageIntent.objects.in_full(), pk=intent_id)
    form = ResolveForm(request.POST if request.method == "POST" else None, auto_id="dialog_%s")
    if form.is_valid():
        if form.carry_out(intent=intent, actor=request.user, at=clock.now()):
            messages.success(request, _("The delivery is settled."))
        else:
            messages.warning(request, _("Its outcome was not unknown any more; nothing changed."))
        return _go(request, reverse("campaigns:message", args=[intent.pk]))
    template = "campaigns/resolve.html#dialog" if request.htmx else "campaigns/resolve.html"
    return _partly(render(request, template, {"form": form, "message": intent}, status=422 if form.errors else 200))


@requires(Permission.STOP_SENDING)
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: StaffRequest) -> HttpResponse:
    return _switch(request, StopForm, done=_("Sending is stopped."))


@requires(Permission.STOP_SENDING)
@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: StaffRequest) -> HttpResponse:
    return _switch(request, ResumeForm, done=_("Sending goes on."))


def _switch(request: StaffRequest, kind: type[ReasonForm], *, done: str) -> HttpResponse:
    form = kind(request.POST if request.method == "POST" else None, auto_id="dialog_%s")
    if form.is_valid():
        if form.carry_out(actor=request.user, at=clock.now()):
            messages.success(request, done)
        return _go(request, reverse("campaigns:messages"))
    context = {
        "form": form,
        "policy": metrics.delivery_policy(),
        "waiting": MessageIntent.objects.waiting().count(),
        "is_stop": kind is StopForm,
    }
    template = "campaigns/sending.html#dialog" if request.htmx else "campaigns/sending.html"
    return _partly(render(request, template, context, status=422 if form.errors else 200))


def _go(request: StaffRequest, address: str) -> HttpResponse:
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


def _partly(response: HttpResponse) -> HttpResponse:
    """The same address answers htmx with a part of the page."""
    patch_vary_headers(response, ["HX-Request"])
    return response
