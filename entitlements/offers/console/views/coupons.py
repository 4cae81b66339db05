"""Coupons go out to a segment or to one member, and are taken back."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused
from config.staff.access import Permission, requires
from entitlements.offers import paying
from entitlements.offers.console.forms import ConfirmedForm, IssueForm, IssueOneForm, RedeemForm, RevokeForm
from entitlements.offers.console.pages import OfferPortrait, Redemption
from entitlements.offers.console.views.offers import METHODS
from entitlements.offers.models import Coupon, IssueRun
from entitlements.offers.operations import issuing, redeeming
from entitlements.offers.tasks import wake_run
from entitlements.offers.words import refusal_with_amounts
from members.people.models import Member
from members.plans.models import Plan


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def issue(request: StaffRequest, offer_id: int) -> HttpResponse:
    """Who gets it, who had it and what it costs at most; a POST with the number of members begins."""
    portrait = OfferPortrait(offer_id, at=clock.now())
    chosen = request.POST if request.method == "POST" else request.GET
    form = IssueForm(chosen if "segment" in chosen else None)
    context: dict[str, Any] = {"portrait": portrait, "form": form, "preview": None}
    if form.is_valid():
        segment = form.cleaned_data["segment"]
        context |= {"segment": segment, "preview": issuing.preview(offer=portrait.offer, segment=segment)}
        if request.method == "POST" and _begun(request, portrait, form, context["preview"]["gets"]):
            return redirect(f"{portrait.offer.get_absolute_url()}#runs")
    return render(request, "offers/issue.html", context, status=422 if form.errors else 200)


@requires(Permission.OPERATE)
@require_POST
def stop(request: StaffRequest, issue_run_id: int) -> HttpResponse:
    run = get_object_or_404(IssueRun.objects.select_related("offer"), pk=issue_run_id)
    if issuing.stop_run(run_id=run.pk, actor=request.user, at=clock.now()):
        messages.success(request, _("Stopped. Coupons that are out stay."))
    return redirect(f"{run.offer.get_absolute_url()}#runs")


@requires(Permission.OPERATE)
@require_POST
def issue_one(request: StaffRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(Member, pk=member_id)
    at = clock.now()
    form = IssueOneForm(request.POST, at=at)
    if form.is_valid():
        offer, reason = form.cleaned_data["offer"], form.cleaned_data["reason"]
        try:
            coupon = issuing.issue_coupon(
                offer_id=offer.pk, member_id=member_id, at=at, actor=request.user, reason=reason
            )
        except Refused as refused:
            messages.error(request, refusal_with_amounts(refused))
        else:
            messages.success(request, _("The coupon is issued."))
            if why := Redemption(coupon.pk, at=at).not_yet:
                messages.warning(request, _("It applies to no plan for her now: %(why)s") % {"why": why})
    else:
        messages.error(request, _("Choose an offer."))
    return redirect(f"{member.get_absolute_url()}#coupons")


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def redeem(request: StaffRequest, coupon_id: int) -> HttpResponse:
    """Book a plan for the member at the price her coupon gives."""
    at = clock.now()
    page = Redemption(coupon_id, at=at)
    coupon = page.coupon
    form = RedeemForm(request.POST if request.method == "POST" else None, choices=page.choices)
    if form.is_valid():
        plan = get_object_or_404(Plan, pk=form.cleaned_data["plan"])
        order_ref = form.cleaned_data["order_ref"] or paying.own_number(coupon, at)
        try:
            redeeming.redeem_coupon(
                member_id=coupon.member_id, code=coupon.code, plan=plan, order_ref=order_ref, at=at, actor=request.user
            )
        except Refused as refused:
            form.add_error(None, refusal_with_amounts(refused))
        else:
            messages.success(request, _("The coupon is redeemed and the term is booked."))
            return redirect(f"{coupon.member.get_absolute_url()}#coupons")
    context = {"page": page, "coupon": coupon, "form": form}
    return render(request, "offers/redeem.html", context, status=422 if form.errors else 200)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def revoke(request: StaffRequest, coupon_id: int) -> HttpResponse:
    """Take one coupon back, with a reason."""
    coupon = get_object_or_404(Coupon.objects.select_related("offer", "member__lifecycle"), pk=coupon_id)
    form = RevokeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            issuing.revoke_coupon(coupon_id=coupon_id, actor=request.user, at=clock.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refusal_with_amounts(refused))
        else:
            messages.success(request, _("The coupon is revoked."))
            return redirect(f"{coupon.member.get_absolute_url()}#coupons")
    context = {"form": form, "coupon": coupon}
    return render(request, "offers/revoke.html", context, status=422 if form.errors else 200)


def _begun(request: StaffRequest, portrait: OfferPortrait, form: IssueForm, gets: int) -> bool:
    """Begin when the number typed is the number of members; else the form says why not."""
    confirmed = ConfirmedForm(request.POST)
    if not confirmed.is_valid() or confirmed.cleaned_data["confirm"] != gets or not gets:
        form.add_error(None, _("Type the number of members who get it; it may have changed meanwhile."))
        return False
    try:
        run = issuing.issue_to_segment(
            offer_id=portrait.offer.pk,
            segment_id=form.cleaned_data["segment"].pk,
            actor=request.user,
            at=clock.now(),
        )
    except Refused as refused:
        form.add_error(None, refusal_with_amounts(refused))
        return False
    wake_run(run.pk)
    messages.success(request, _("The coupons are being issued."))
    return True
