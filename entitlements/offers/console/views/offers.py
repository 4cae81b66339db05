"""Offers: the list, one offer, the form, its coupons, and what is done with it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused
from config.staff.access import Permission, requires
from entitlements.offers.console.forms import OfferForm
from entitlements.offers.console.pages import CouponList, OfferList, OfferPortrait, kinds
from entitlements.offers.models import Offer
from entitlements.offers.operations import saving
from entitlements.offers.words import refusal_with_amounts

METHODS = ["GET", "HEAD", "POST"]


@requires(Permission.VIEW)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """Every offer with what it came to."""
    return render(request, "offers/index.html", {"listing": OfferList(request.GET)})


@requires(Permission.VIEW)
@require_safe
def detail(request: StaffRequest, offer_id: int) -> HttpResponse:
    """One offer; the runs alone when htmx asks how far they are."""
    template = "offers/detail.html#runs" if request.htmx else "offers/detail.html"
    response = render(request, template, {"portrait": OfferPortrait(offer_id, at=clock.now())})
    patch_vary_headers(response, ["HX-Request"])
    return response


@requires(Permission.VIEW)
@require_safe
def coupons(request: StaffRequest, offer_id: int) -> HttpResponse:
    """The coupons of an offer, by status."""
    listing = CouponList(offer_id, at=clock.now(), params=request.GET)
    return render(request, "offers/coupons.html", {"listing": listing})


@requires(Permission.OPERATE)
@require_safe
def choose(request: StaffRequest) -> HttpResponse:
    """Which kind of offer it shall be."""
    return render(request, "offers/kinds.html", {"kinds": kinds()})


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def new(request: StaffRequest, kind: str) -> HttpResponse:
    chosen = next((found for found in kinds() if found.code == kind), None)
    if chosen is None or chosen.closed:
        raise Http404
    return _form_page(request, kind, None)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def edit(request: StaffRequest, offer_id: int) -> HttpResponse:
    """Coupons that are out keep their terms; the page says so."""
    offer = get_object_or_404(Offer.objects.select_related("budget"), pk=offer_id)
    return _form_page(request, offer.kind, offer)


@requires(Permission.OPERATE)
@require_POST
def activate(request: StaffRequest, offer_id: int) -> HttpResponse:
    return _done(request, offer_id, saving.activate_offer, _("The offer is active: coupons can be issued."))


@requires(Permission.OPERATE)
@require_POST
def pause(request: StaffRequest, offer_id: int) -> HttpResponse:
    return _done(request, offer_id, saving.pause_offer, _("The offer is paused: nothing is issued or redeemed."))


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def end(request: StaffRequest, offer_id: int) -> HttpResponse:
    """Says what becomes of the coupons that are out before it happens."""
    if request.method == "POST":
        return _done(request, offer_id, saving.end_offer, _("The offer is ended."))
    return render(request, "offers/end.html", {"portrait": OfferPortrait(offer_id, at=clock.now())})


def _done(request: StaffRequest, offer_id: int, step: Callable[..., Offer], words: str) -> HttpResponse:
    offer = get_object_or_404(Offer, pk=offer_id)
    try:
        step(offer_id=offer_id, actor=request.user, at=clock.now())
    except Refused as refused:
        messages.error(request, refusal_with_amounts(refused))
    else:
        messages.success(request, words)
    return redirect(offer)


def _form_page(request: StaffRequest, kind: str, offer: Offer | None) -> HttpResponse:
    form = OfferForm(request.POST if request.method == "POST" else None, kind=kind, offer=offer)
    if form.is_valid() and (saved := _saved(request, form, offer)):
        messages.success(request, _("The offer is saved."))
        return redirect(saved)
    context = {"form": form, "offer": offer, "kind": Offer.Kind(kind)}
    return render(request, "offers/edit.html", context, status=422 if form.errors else 200)


def _saved(request: StaffRequest, form: OfferForm, offer: Offer | None) -> Offer | None:
    """The saved offer, or None with the reason in the form."""
    try:
        return saving.save_offer(
            terms=form.terms(),
            actor=request.user,
            at=clock.now(),
            offer_id=offer.pk if offer else None,
            **form.columns(),
        )
    except Refused as refused:
        fields = {"below_spent": "budget_cents", "below_issued": "max_coupons"}
        form.add_error(fields.get(refused.code), refusal_with_amounts(refused))
        return None
