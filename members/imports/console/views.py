from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.fields import TypedNumberField
from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from members.files.csv_text import cell, csv_lines
from members.imports.console import pages
from members.imports.console.forms import ConfirmForm, LayoutForm, MappingForm, UploadForm
from members.imports.models import ImportRun
from members.imports.operations import undo as undoing
from members.imports.operations import uploads, writes
from members.imports.operations.tiers import create_missing_tiers
from members.imports.tasks import wake
from members.imports.words import ISSUES, REFUSALS


@requires(Permission.IMPORT)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """Every import: what it was, who brought it, how it stands."""
    template = "imports/index.html#runs" if request.htmx else "imports/index.html"
    response = render(request, template, pages.index(request.GET.get("before", "")))
    patch_vary_headers(response, ["HX-Request"])
    return response


@requires(Permission.IMPORT)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Step 1: the file."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            run = uploads.receive(upload=data["file"], actor=request.user, at=clock.now(), profile=data["profile"])
        except Refused as refused:
            form.add_error("file", refusal_text(refused, REFUSALS))
        else:
            return redirect("imports:detail", run.pk)
    context = {"form": form, "steps": pages.steps(None)}
    return render(request, "imports/new.html", context, status=422 if form.errors else 200)


@requires(Permission.IMPORT)
@require_safe
def detail(request: StaffRequest, run_id: int) -> HttpResponse:
    """The step a run stands at; asked for again while a worker is at it."""
    run = get_object_or_404(ImportRun.objects.select_related("created_by", "confirmed_by", "undone_by"), pk=run_id)
    template = "imports/detail.html#run" if request.htmx else "imports/detail.html"
    response = render(request, template, pages.detail(run, request.GET))
    patch_vary_headers(response, ["HX-Request"])
    return response


@requires(Permission.IMPORT)
@require_POST
def layout(request: StaffRequest, run_id: int) -> HttpResponse:
    """Read the file another way."""
    run = get_object_or_404(ImportRun, pk=run_id)
    if run.status != ImportRun.Status.UPLOADED:
        return redirect("imports:detail", run_id)
    form = LayoutForm(request.POST, run=run, sheets=pages.sheets(run))
    if not form.is_valid():
        return _columns_page(request, run, layout_form=form)
    chosen = {name: form.cleaned_data.get(name, getattr(run, name)) for name in LayoutForm.base_fields}
    try:
        uploads.change_layout(run_id=run_id, **chosen)
    except Refused as refused:
        messages.error(request, refusal_text(refused, REFUSALS))
    return redirect("imports:detail", run_id)


@requires(Permission.IMPORT)
@require_POST
def check(request: StaffRequest, run_id: int) -> HttpResponse:
    """Step 2 ends: the columns are fixed, a worker checks the file."""
    run = get_object_or_404(ImportRun, pk=run_id)
    if run.status != ImportRun.Status.UPLOADED:
        return redirect("imports:detail", run_id)
    form = MappingForm(request.POST, run=run)
    if not form.is_valid():
        return _columns_page(request, run, mapping_form=form)
    try:
        if uploads.start_check(run_id=run_id, mapping=form.mapping(), options=form.options()):
            wake(run_id)
    except Refused as refused:
        form.add_error(None, str(REFUSALS[refused.code].title))
        return _columns_page(request, run, mapping_form=form)
    return redirect("imports:detail", run_id)


def _columns_page(request: StaffRequest, run: ImportRun, **forms: Any) -> HttpResponse:
    return render(request, "imports/detail.html", pages.detail(run, request.GET, **forms), status=422)


@requires(Permission.IMPORT)
@require_POST
def reopen(request: StaffRequest, run_id: int) -> HttpResponse:
    """Back to the columns."""
    uploads.reopen(run_id=run_id)
    return redirect("imports:detail", run_id)


@requires(Permission.IMPORT)
@require_POST
def check_again(request: StaffRequest, run_id: int) -> HttpResponse:
    if uploads.check_again(run_id=run_id):
        wake(run_id)
    return redirect("imports:detail", run_id)


@requires(Permission.IMPORT)
@require_POST
def confirm(request: StaffRequest, run_id: int) -> HttpResponse:
    """Step 4: write, all or only what is good."""
    run = get_object_or_404(ImportRun, pk=run_id)
    form = ConfirmForm(request.POST)
    if run.status != ImportRun.Status.CHECKED:
        return redirect("imports:detail", run_id)
    if not form.is_valid():
        return render(request, "imports/detail.html", pages.detail(run, request.GET), status=422)
    try:
        if writes.confirm(run_id=run_id, mode=form.cleaned_data["mode"], actor=request.user, at=clock.now()):
            wake(run_id)
    except Refused as refused:
        messages.error(request, refusal_text(refused, REFUSALS))
    return redirect("imports:detail", run_id)


@requires(Permission.IMPORT)
@require_POST
def discard(request: StaffRequest, run_id: int) -> HttpResponse:
    """Give up a file that wrote nothing."""
    get_object_or_404(ImportRun, pk=run_id)
    if uploads.discard(run_id=run_id, actor=request.user, at=clock.now()):
        messages.success(request, _("The file was discarded. Nothing was written."))
    return redirect("imports:index")


@requires(Permission.IMPORT)
@require_POST
def undo(request: StaffRequest, run_id: int) -> HttpResponse:
    """Take a written import back; the number of rows it wrote is typed."""
    run = get_object_or_404(ImportRun, pk=run_id)
    if TypedNumberField(required=False).clean(request.POST.get("confirm")) != run.written_count:
        messages.error(request, _("Nothing was undone. Type the number of rows it wrote."))
        return redirect("imports:detail", run_id)
    try:
        if undoing.start_undo(run_id=run_id, actor=request.user, at=clock.now()):
            wake(run_id)
    except Refused as refused:
        messages.error(request, refusal_text(refused, REFUSALS))
    return redirect("imports:detail", run_id)


@requires(Permission.ADMINISTER)
@require_POST
def create_tiers(request: StaffRequest, run_id: int) -> HttpResponse:
    """Create the tiers the file names and the project lacks, and check again."""
    run = get_object_or_404(ImportRun, pk=run_id)
    made = create_missing_tiers(run=run, actor=request.user, at=clock.now())
    if made and uploads.check_again(run_id=run_id):
        wake(run_id)
        messages.success(request, ngettext("%(n)s tier created.", "%(n)s tiers created.", made) % {"n": made})
    return redirect("imports:detail", run_id)


@requires(Permission.IMPORT)
@require_safe
def issues_csv(request: StaffRequest, run_id: int) -> StreamingHttpResponse:
    """Every issue as a CSV that Excel reads: row, column, value, reason, what to do."""
    run = get_object_or_404(ImportRun, pk=run_id)

    def rows() -> Iterator[list[object]]:
        yield [_("Row"), _("Column"), _("Value"), _("Severity"), _("Reason"), _("What to do"), _("Detail")]
        for issue in run.issues.order_by("row_no", "id").iterator(chunk_size=2_000):
            wording = ISSUES[issue.code]
            severity, reason, fix = issue.get_severity_display(), wording.title, wording.fix
            yield [cell(v) for v in (issue.row_no, issue.column, issue.value, severity, reason, fix, issue.detail)]

    response = StreamingHttpResponse(csv_lines(rows()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="import-{run_id}-issues.csv"'
    return response


@requires(Permission.IMPORT)
@require_safe
def written_members(request: StaffRequest, run_id: int) -> HttpResponse:
    """The members an import created or changed, a page at a time."""
    run = get_object_or_404(ImportRun, pk=run_id)
    template = "imports/members.html#listing" if request.htmx else "imports/members.html"
    context = pages.written_members(run, request.GET) | {"back": reverse("imports:detail", args=[run_id])}
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response
