"""A list becomes a static segment: brought, looked at, saved."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.files.base import ContentFile
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.console.masking import mask_email, mask_phone
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from members.files import words as files
from members.files.csv_text import cell, csv_lines
from members.files.words import failure
from members.people.models import Member
from members.segments.console.forms import FreezeForm, ListForm
from members.segments.console.views.answers import METHODS
from members.segments.lists import lines_of
from members.segments.models import SegmentUpload
from members.segments.operations import uploading
from members.segments.preview import SAMPLE
from members.segments.tasks import wake_upload
from members.segments.words import REFUSALS

MASKS = {"phone": mask_phone, "email": mask_email}


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def upload(request: StaffRequest) -> HttpResponse:
    """Paste or choose a list."""
    form = ListForm(request.POST, request.FILES) if request.method == "POST" else ListForm()
    if form.is_valid():
        data = form.cleaned_data
        file = data["file"] or ContentFile(lines_of(data["pasted"]).encode(), name="pasted.txt")
        try:
            made = uploading.receive_upload(upload=file, kind=data["kind"], actor=request.user, at=clock.now())
        except Refused as refused:
            form.add_error("file" if data["file"] else "pasted", refusal_text(refused, files.REFUSALS))
        else:
            wake_upload(made.pk)
            return redirect("segments:uploaded", made.pk)
    return render(request, "segments/upload.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def uploaded(request: StaffRequest, upload_id: int) -> HttpResponse:
    """What the list came to, asked for again while it is read; a POST saves it."""
    found = get_object_or_404(SegmentUpload, pk=upload_id)
    form = FreezeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = uploading.save_upload(
                upload_id=upload_id, actor=request.user, at=clock.now(), **form.cleaned_data
            )  # fmt: skip
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("These members are kept as a static segment."))
            return redirect("segments:detail", made.pk)
    template = "segments/uploaded.html#list" if request.htmx else "segments/uploaded.html"
    response = render(request, template, _shown(found) | {"form": form}, status=422 if form.errors else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


@requires(Permission.OPERATE)
@require_safe
def unknown_csv(request: StaffRequest, upload_id: int) -> StreamingHttpResponse:
    """The rows of a list that name nobody, as they are compared."""
    found = get_object_or_404(SegmentUpload, pk=upload_id)

    def rows() -> Iterator[list[Any]]:
        yield [_("Row"), found.get_kind_display()]
        entries = found.entries.filter(member__isnull=True).order_by("row_no").values_list("row_no", "value")
        for row_no, value in entries.iterator(chunk_size=2_000):
            yield [row_no, cell(value)]

    response = StreamingHttpResponse(csv_lines(rows()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="list-{upload_id}-not-found.csv"'
    return response


@requires(Permission.OPERATE)
@require_POST
def discard(request: StaffRequest, upload_id: int) -> HttpResponse:
    """Throw a list away."""
    if uploading.discard_upload(upload_id=upload_id, actor=request.user, at=clock.now()):
        messages.success(request, _("The list was discarded. Nothing was saved."))
    return redirect("segments:index")


def _shown(found: SegmentUpload) -> dict[str, Any]:
    masked = MASKS.get(found.kind, str)
    unknown = found.entries.filter(member__isnull=True).order_by("row_no")[:SAMPLE]
    named = Member.objects.filter(pk__in=found.entries.filter(member__isnull=False).values("member_id"))
    return {
        "upload": found,
        "failure": failure(found.failure_code, found.failure_detail, files.REFUSALS) if found.failure_code else None,
        "unknown": [(entry.row_no, masked(entry.value)) for entry in unknown],
        "sample": list(named.select_related("lifecycle__tier").order_by("-pk")[:SAMPLE]),
    }
