"""Pools of partner codes: the list, one pool with its codes, filling it, and handing one out."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from entitlements.codes.console.forms import HandOutForm, PoolForm, UploadForm
from entitlements.codes.console.pages import PoolPage
from entitlements.codes.models import CodePool, PartnerCode
from entitlements.codes.operations import pools
from entitlements.codes.words import REFUSALS
from members.people.models import Member

METHODS = ["GET", "HEAD", "POST"]


@requires(Permission.VIEW)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    return render(request, "codes/index.html", {"pools": CodePool.objects.with_stock()})


@requires(Permission.VIEW)
@require_safe
def detail(request: StaffRequest, pool_id: int) -> HttpResponse:
    return _pool_page(request, pool_id)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def new(request: StaffRequest) -> HttpResponse:
    return _form_page(request, None)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def edit(request: StaffRequest, pool_id: int) -> HttpResponse:
    return _form_page(request, get_object_or_404(CodePool, pk=pool_id))


@requires(Permission.OPERATE)
@require_POST
def upload(request: StaffRequest, pool_id: int) -> HttpResponse:
    """Take codes in; those the pool has stay as they are."""
    pool = get_object_or_404(CodePool, pk=pool_id)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _pool_page(request, pool_id, status=422, form=form)
    new, known = pools.take_in(
        pool_id=pool_id, codes=form.cleaned_data["codes"], actor=request.user, at=clock.now()
    )  # fmt: skip
    words = ngettext("%(n)s new code is in.", "%(n)s new codes are in.", new) % {"n": new}
    again = ngettext("%(n)s was there already.", "%(n)s were there already.", known) % {"n": known} if known else ""
    messages.success(request, f"{words} {again}".strip())
    return redirect(pool)


@requires(Permission.REVEAL)
@require_POST
def reveal(request: StaffRequest, code_id: int) -> HttpResponse:
    """One code in full, in answer to this one request only."""
    code = get_object_or_404(PartnerCode, pk=code_id)
    text = pools.reveal_code(code_id=code_id, actor=request.user, at=clock.now())
    response = _pool_page(request, code.pool_id, revealed={code_id: text}, shown=code)
    response["Cache-Control"] = "no-store"
    return response


@requires(Permission.OPERATE)
@require_POST
def hand_out(request: StaffRequest, member_id: int) -> HttpResponse:
    """Give a member her code of a pool."""
    member = get_object_or_404(Member, pk=member_id)
    form = HandOutForm(request.POST)
    if form.is_valid():
        pool = form.cleaned_data["pool"]
        try:
            pools.claim_code(pool_id=pool.pk, member_id=member_id, actor=request.user, at=clock.now())
        except Refused as refused:
            messages.error(request, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("She has her code; it is shown in the pool's list."))
    else:
        messages.error(request, _("Choose a pool."))
    return redirect(f"{member.get_absolute_url()}#coupons")


def _pool_page(request: StaffRequest, pool_id: int, *, status: int = 200, **context: Any) -> HttpResponse:
    page = PoolPage(pool_id, params=request.GET, revealed=context.pop("revealed", {}), shown=context.pop("shown", None))
    return render(request, "codes/detail.html", {"page": page, "form": UploadForm()} | context, status=status)


def _form_page(request: StaffRequest, pool: CodePool | None) -> HttpResponse:
    form = PoolForm(request.POST if request.method == "POST" else None, instance=pool)
    if form.is_valid():
        saved = pools.save_pool(
            actor=request.user, at=clock.now(), pool_id=pool.pk if pool else None, **form.cleaned_data
        )
        messages.success(request, _("Saved."))
        return redirect(saved)
    return render(request, "codes/edit.html", {"form": form, "pool": pool}, status=422 if form.errors else 200)
