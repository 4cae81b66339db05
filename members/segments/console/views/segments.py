"""Segments: the list, one segment, and what is done with it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from members.segments.console.forms import ArchiveForm, FreezeForm
from members.segments.console.portrait import SegmentPortrait
from members.segments.console.views.answers import METHODS, gone_to, varied
from members.segments.models import Segment
from members.segments.operations import saving
from members.segments.schema import RuleInvalid, read_rule
from members.segments.words import REFUSALS


@requires(Permission.VIEW)
@require_http_methods(["GET", "HEAD"])
def index(request: StaffRequest) -> HttpResponse:
    """Every live segment with its size."""
    return render(request, "segments/index.html", {"segments": Segment.objects.live().order_by("name")})


@requires(Permission.VIEW)
@require_http_methods(METHODS)
def detail(request: StaffRequest, segment_id: int) -> HttpResponse:
    """One segment; a POST asks about one member, so that whom stays out of the address."""
    portrait = SegmentPortrait(segment_id, at=clock.now(), who=request.POST.get("who", ""))
    template = "segments/detail.html#check" if request.htmx and request.method == "POST" else "segments/detail.html"
    return varied(render(request, template, {"portrait": portrait, "segment": portrait.segment}))


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def freeze(request: StaffRequest, segment_id: int) -> HttpResponse:
    """Keep who is in it now as a static segment."""
    segment = get_object_or_404(Segment.objects.live(), pk=segment_id, rule__isnull=False)
    form = FreezeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = saving.freeze(rule=read_rule(segment.rule), actor=request.user, at=clock.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        except RuleInvalid as invalid:
            form.add_error(None, "; ".join(error.message for error in invalid.errors))
        else:
            messages.success(request, _("These members are kept as a static segment."))
            return gone_to(request, reverse("segments:detail", args=[made.pk]))
    return _act(
        request, form, segment, _("Keep as a list"), _("Keep these members"),
        _("The members of this moment become a segment of their own, which never changes."),
    )  # fmt: skip


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def archive(request: StaffRequest, segment_id: int) -> HttpResponse:
    segment = get_object_or_404(Segment.objects.live(), pk=segment_id)
    form = ArchiveForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            saving.archive_segment(segment_id=segment.pk, actor=request.user, at=clock.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        else:
            messages.success(request, _("The segment is archived."))
            return gone_to(request, reverse("segments:index"))
    return _act(
        request, form, segment, _("Archive this segment"), _("Archive"),
        _("It is refreshed and offered no more; its history stays."),
    )  # fmt: skip


def _act(request: StaffRequest, form: Any, segment: Segment, heading: str, button: str, lead: str) -> HttpResponse:
    context = {"form": form, "segment": segment, "heading": heading, "button": button, "lead": lead}
    return render(request, "segments/act.html", context, status=422 if form.errors else 200)
