"""The editors of benefits and packs."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.naming import name_of
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from entitlements.benefits.console.forms import ArchiveForm, BenefitForm, PackForm, PartFormSet, chosen_parts
from entitlements.benefits.models import Benefit, Pack
from entitlements.benefits.operations import saving
from entitlements.benefits.words import REFUSALS

METHODS = ["GET", "HEAD", "POST"]


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def new(request: StaffRequest) -> HttpResponse:
    return _edit(request, None)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def edit(request: StaffRequest, benefit_id: int) -> HttpResponse:
    return _edit(request, get_object_or_404(Benefit, pk=benefit_id))


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def archive(request: StaffRequest, benefit_id: int) -> HttpResponse:
    """Says what stands against it before it is asked for."""
    benefit = get_object_or_404(Benefit, pk=benefit_id)
    form = ArchiveForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            saving.archive_benefit(benefit_id=benefit.pk, actor=request.user, at=clock.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("The benefit is archived."))
            return redirect("benefits:index")
    obstacles = [str(REFUSALS[code]) for code in saving.obstacles_to_archiving(benefit)]
    context = {"form": form, "benefit": benefit, "obstacles": obstacles}
    return render(request, "benefits/archive.html", context, status=422 if form.errors else 200)


@requires(Permission.OPERATE)
@require_POST
def restore(request: StaffRequest, benefit_id: int) -> HttpResponse:
    benefit = get_object_or_404(Benefit, pk=benefit_id)
    saving.restore_benefit(benefit_id=benefit.pk, actor=request.user, at=clock.now())
    messages.success(request, _("The benefit is offered again."))
    return redirect(benefit)


@requires(Permission.VIEW)
@require_safe
def packs(request: StaffRequest) -> HttpResponse:
    """What is sold or given beside the memberships."""
    found = Pack.objects.prefetch_related("benefits__benefit")
    return render(request, "benefits/packs.html", {"packs": found})


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def pack_new(request: StaffRequest) -> HttpResponse:
    return _edit_pack(request, None)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def pack_edit(request: StaffRequest, pack_id: int) -> HttpResponse:
    return _edit_pack(request, get_object_or_404(Pack, pk=pack_id))


def _edit(request: StaffRequest, benefit: Benefit | None) -> HttpResponse:
    """The form of the benefit's kind; the kind is chosen by the address, and fixed once somebody was granted it."""
    is_granted = benefit is not None and saving.is_granted(benefit)
    kept = benefit.kind if benefit else Benefit.Kind.QUOTA.value
    asked = request.GET.get("kind", "")
    kind = asked if asked in Benefit.Kind.values and not is_granted else kept
    data = request.POST if request.method == "POST" else None
    form = BenefitForm(data, instance=benefit, kind=kind, is_granted=is_granted)
    if form.is_valid():
        pk = benefit.pk if benefit else None
        try:
            saved = saving.save_benefit(benefit_id=pk, actor=request.user, at=clock.now(), **form.values())
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("Saved."))
            return redirect(saved)
    kinds = [{"label": label, "href": f"?kind={code}", "current": code == kind} for code, label in Benefit.Kind.choices]
    # What was typed may have reached the instance; the heading keeps the stored name.
    stored = Benefit.objects.get(pk=benefit.pk) if benefit else None
    heading = _("Edit “%(name)s”") % {"name": name_of(stored)} if stored else _("New benefit")
    context = {"form": form, "benefit": stored, "kinds": kinds, "is_granted": is_granted, "heading": heading}
    return render(request, "benefits/edit.html", context, status=422 if form.errors else 200)


def _edit_pack(request: StaffRequest, pack: Pack | None) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form, parts = PackForm(data, instance=pack), PartFormSet(data, prefix="parts", initial=_contents(pack))
    if data is not None and form.is_valid() and parts.is_valid():
        pk = pack.pk if pack else None
        try:
            saving.save_pack(
                pack_id=pk, actor=request.user, at=clock.now(), parts=chosen_parts(parts), **form.cleaned_data
            )
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("Saved."))
            return redirect("benefits:packs")
    heading = _("Edit pack") if pack else _("New pack")
    context = {"form": form, "parts": parts, "heading": heading}
    return render(request, "benefits/pack.html", context, status=200 if data is None else 422)


def _contents(pack: Pack | None) -> list[dict[str, Any]]:
    rows = pack.benefits.values("benefit", "amount", "level", "recurs") if pack else []
    return [dict(row) for row in rows]
