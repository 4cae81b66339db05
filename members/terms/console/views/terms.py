"""A page for each term operation; in the console's drawer when htmx asks for it there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from config.console.http import StaffRequest
from config.engine import clock
from config.staff.access import Permission, View, requires
from members.people.models import Member
from members.terms.console.forms import terms as forms
from members.terms.console.pages import TermOutlook
from members.terms.models import MembershipTerm

Text = str | Promise
# The element that htmx asks for alone, when the page is there and when a field changes.
OUTLOOK = "term-outlook"
# In what is sent: only show what it would do; the mark of what was shown.
ASKS, SEEN = "preview", "seen"


@dataclass(frozen=True)
class TermAction:
    """One operation's page: what it is called, what it will do, its form and what is said afterwards."""

    title: Text
    lead: Text
    button: Text
    done: Text
    form: Callable[..., forms.TermForm]
    permission: Permission = Permission.OPERATE
    is_destructive: bool = False


def about_member(action: TermAction) -> View:
    """The page of an operation on a member."""

    @requires(action.permission)
    @require_http_methods(["GET", "HEAD", "POST"])
    def page(request: StaffRequest, member_id: int) -> HttpResponse:
        member = get_object_or_404(Member.objects.select_related("lifecycle"), pk=member_id)
        return _form_page(request, action, member, None)

    return page


def about_term(action: TermAction) -> View:
    """The page of an operation on one term."""

    @requires(action.permission)
    @require_http_methods(["GET", "HEAD", "POST"])
    def page(request: StaffRequest, term_id: int) -> HttpResponse:
        term = get_object_or_404(MembershipTerm.objects.select_related("member__lifecycle", "plan", "tier"), pk=term_id)
        return _form_page(request, action, term.member, term)

    return page


def _form_page(request: StaffRequest, action: TermAction, member: Member, term: MembershipTerm | None) -> HttpResponse:
    at = clock.now()
    # A form without fields is bound by an empty POST too.
    data = request.POST if request.method == "POST" else None
    form = action.form(data, initial=_chosen_before(request), member=member, term=term)
    is_press = request.method == "POST" and ASKS not in request.POST
    is_valid = form.is_valid()
    outlook = TermOutlook(form, actor=request.user, at=at, is_asked=ASKS in request.POST or SEEN in request.POST)
    if is_press and is_valid and _is_as_seen(request, form, outlook) and form.carry_out(actor=request.user, at=at):
        messages.success(request, str(action.done))
        target = member.get_absolute_url()
        return HttpResponseClientRedirect(target) if request.htmx else redirect(target)
    context: dict[str, Any] = {"action": action, "form": form, "member": member, "term": term, "outlook": outlook}
    response = render(request, _template(request), context, status=422 if is_press else 200)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _chosen_before(request: StaffRequest) -> dict[str, str]:
    """What the link to the page has chosen already."""
    return {name: request.GET[name] for name in ("plan", "coupon") if name in request.GET}


def _is_as_seen(request: StaffRequest, form: forms.TermForm, outlook: TermOutlook) -> bool:
    """Whether the press follows what the page showed, where it showed anything; else the form says that it differs."""
    if SEEN not in request.POST or request.POST[SEEN] == outlook.mark:
        return True
    form.add_error(None, gettext("This has changed since you looked. See what it does now, then press again."))
    return False


def _template(request: StaffRequest) -> str:
    if request.htmx and request.htmx.target == OUTLOOK:
        return "members/term_action.html#outlook"
    return "members/term_action.html#drawer" if request.htmx else "members/term_action.html"


purchase = about_member(
    TermAction(
        _("Book a purchase"),
        _(
            "A higher tier starts now and what runs waits behind it with all it has left; the same tier is appended, a "
            "lower one waits. Without cover it starts now, or at the old expiry within grace. A trial ends and its "
            "unused time is added."
        ),
        _("Book the purchase"),
        _("The purchase is booked."),
        forms.PurchaseForm,
    )
)
renew = about_member(
    TermAction(
        _("Renew"),
        _("The plan that runs, or was paid for last, once more: an early renewal loses no day."),
        _("Renew"),
        _("The membership is renewed."),
        forms.RenewForm,
    )
)
trial = about_member(
    TermAction(
        _("Start a trial"),
        _("The plan's trial days, from now. Only for people without a running or booked term; one a member."),
        _("Start the trial"),
        _("The trial has started."),
        forms.TrialForm,
    )
)
gift = about_member(
    TermAction(
        _("Give a term"),
        _("A term of the plan free of charge, behind everything the member already has."),
        _("Give the term"),
        _("The term is given."),
        forms.GiftForm,
    )
)
compensate = about_member(
    TermAction(
        _("Compensate days"),
        _("Adds days behind everything the member has; without cover, from now."),
        _("Add the days"),
        _("The days are added."),
        forms.CompensateForm,
    )
)
auto_renewal_on = about_member(
    TermAction(
        _("Switch auto-renewal on"),
        _("Reminders that are planned for this term are cancelled; the term is expected to renew by itself."),
        _("Switch on"),
        _("Auto-renewal is on."),
        partial(forms.AutoRenewalForm, on=True),
    )
)
auto_renewal_off = about_member(
    TermAction(
        _("Switch auto-renewal off"),
        _("The term will end on its day unless somebody renews it; reminders are planned."),
        _("Switch off"),
        _("Auto-renewal is off."),
        partial(forms.AutoRenewalForm, on=False),
    )
)
renewal_failure = about_member(
    TermAction(
        _("Record a failed renewal"),
        _("The automatic payment was declined: auto-renewal goes off, and what follows from that follows at once."),
        _("Record the failure"),
        _("The failed renewal is recorded."),
        forms.RenewalFailureForm,
    )
)
refund = about_term(
    TermAction(
        _("Refund the term"),
        _(
            "When all that was paid has gone back, the order ends now, without grace, and what it had set aside goes "
            "on. Auto-renewal goes off when no other payment runs or waits. This cannot be taken back."
        ),
        _("Refund the term"),
        _("The term is refunded."),
        forms.RefundForm,
        is_destructive=True,
    )
)
void = about_term(
    TermAction(
        _("Void the term"),
        _(
            "As if it had never been booked: what it had set aside goes on, a trial that it closed too, and its order "
            "number is free. With every term voided the member is a prospect again. This cannot be taken back."
        ),
        _("Void the term"),
        _("The term is voided."),
        forms.VoidForm,
        permission=Permission.ADMINISTER,
        is_destructive=True,
    )
)
change_tier = about_term(
    TermAction(
        _("Change the tier"),
        _("What is left of the order moves to another tier, without a payment; no day is lost."),
        _("Change the tier"),
        _("The tier is changed."),
        forms.ChangeTierForm,
    )
)
