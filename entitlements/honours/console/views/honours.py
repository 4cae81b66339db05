"""Honours and their lists: defined, counted, looked at, given, taken back."""

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
from entitlements.honours.console.forms import ConfirmForm, HonourForm, VoidForm, YearForm
from entitlements.honours.console.pages import HonourPage, Overview, RunPage
from entitlements.honours.models import Honour, HonourRun
from entitlements.honours.operations import running
from entitlements.honours.tasks import wake_run
from entitlements.honours.words import REFUSALS

METHODS = ["GET", "HEAD", "POST"]


@requires(Permission.VIEW)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """Every honour with its latest list, and the benefits that show themselves."""
    return render(request, "honours/index.html", {"overview": Overview()})


@requires(Permission.VIEW)
@require_safe
def detail(request: StaffRequest, honour_id: int) -> HttpResponse:
    return _honour_page(request, HonourPage(honour_id), YearForm(at=clock.now()))


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def new(request: StaffRequest) -> HttpResponse:
    return _edit(request, None)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def edit(request: StaffRequest, honour_id: int) -> HttpResponse:
    return _edit(request, get_object_or_404(Honour, pk=honour_id))


@requires(Permission.OPERATE)
@require_POST
def begin(request: StaffRequest, honour_id: int) -> HttpResponse:
    """Have an honour counted for a year; the list is then looked at."""
    page, at = HonourPage(honour_id), clock.now()
    form = YearForm(request.POST, at=at)
    if form.is_valid():
        try:
            run = running.begin_run(honour_id=honour_id, actor=request.user, at=at, **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            wake_run(run.pk)
            return redirect(run)
    return _honour_page(request, page, form, status=422)


@requires(Permission.VIEW)
@require_safe
def run(request: StaffRequest, honour_run_id: int) -> HttpResponse:
    return _run_page(request, honour_run_id)


@requires(Permission.OPERATE)
@require_POST
def recount(request: StaffRequest, honour_run_id: int) -> HttpResponse:
    return _decide(request, honour_run_id, running.recount_run, _("The list is being counted anew."), wakes=True)


@requires(Permission.OPERATE)
@require_POST
def discard(request: StaffRequest, honour_run_id: int) -> HttpResponse:
    return _decide(request, honour_run_id, running.discard_run, _("The list is thrown away. Nobody got the honour."))


@requires(Permission.OPERATE)
@require_POST
def confirm(request: StaffRequest, honour_run_id: int) -> HttpResponse:
    """Give the honour to the list that was looked at; the number of members is typed."""
    found = get_object_or_404(HonourRun, pk=honour_run_id)
    form = ConfirmForm(request.POST)
    if form.is_valid() and form.cleaned_data["confirm"] != found.placed:
        form.add_error("confirm", _("This is not the number of members on the list."))
    if form.is_valid():
        try:
            running.confirm_run(
                run_id=found.pk, counted_at=form.cleaned_data["counted_at"], actor=request.user, at=clock.now()
            )
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            given = ngettext("%(n)s member has the honour.", "%(n)s members have the honour.", found.placed)
            messages.success(request, given % {"n": found.placed})
            return redirect(found)
    return _run_page(request, found.pk, status=422, form=form)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def void(request: StaffRequest, honour_run_id: int) -> HttpResponse:
    """Asks once more, and why, before an honour is taken back."""
    found = get_object_or_404(HonourRun.objects.select_related("honour__benefit"), pk=honour_run_id)
    form = VoidForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            running.void_run(run_id=found.pk, actor=request.user, at=clock.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("The honour is taken back."))
            return redirect(found)
    return render(request, "honours/void.html", {"form": form, "run": found}, status=422 if form.errors else 200)


def _honour_page(request: StaffRequest, page: HonourPage, form: YearForm, status: int = 200) -> HttpResponse:
    return render(request, "honours/detail.html", {"page": page, "honour": page.honour, "form": form}, status=status)


def _run_page(request: StaffRequest, run_id: int, *, status: int = 200, form: Any = None) -> HttpResponse:
    page = RunPage(run_id, request.GET)
    shown = form or ConfirmForm(initial={"counted_at": page.run.counted_at})
    return render(request, "honours/run.html", {"page": page, "run": page.run, "form": shown}, status=status)


def _decide(request: StaffRequest, run_id: int, operation: Any, done: str, *, wakes: bool = False) -> HttpResponse:
    found = get_object_or_404(HonourRun, pk=run_id)
    try:
        operation(run_id=run_id, actor=request.user, at=clock.now())
    except Refused as refused:
        messages.error(request, refusal_text(refused, REFUSALS))
    else:
        if wakes:
            wake_run(run_id)
        messages.success(request, done)
    return redirect(found)


def _edit(request: StaffRequest, honour: Honour | None) -> HttpResponse:
    form = HonourForm(request.POST if request.method == "POST" else None, instance=honour)
    if form.is_valid():
        pk = honour.pk if honour else None
        try:
            saved = running.save_honour(honour_id=pk, actor=request.user, at=clock.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("Saved."))
            return redirect(saved)
    return render(request, "honours/edit.html", {"form": form, "honour": honour}, status=422 if form.errors else 200)
