"""Segments: the list, the builder, one segment."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.staff import clock
from config.staff.access import Permission, requires
from config.staff.http import StaffRequest
from members.models import Segment
from members.segments.builder.draft import DraftBroken
from members.segments.builder.page import Builder
from members.segments.builder.session import Session
from members.segments.forms import ArchiveForm, FreezeForm, SegmentForm
from members.segments.operations import saving
from members.segments.operations.saving import SegmentRefused
from members.segments.portrait import SegmentPortrait
from members.segments.schema import RuleInvalid, read_rule
from members.segments.tasks import refresh_segment

METHODS = ["GET", "HEAD", "POST"]


def refusal(refused: SegmentRefused) -> str:
    """Why a step was refused, and what to do."""
    return {
        "archived": _("This segment was archived."),
        "stale": _("Somebody else saved this segment meanwhile. Open it again to see what changed."),
        "static": _("A static segment has no rule to change."),
        "in_use": _("Something still uses this segment. Take it out there first."),
        "name_taken": _("Another segment has this name."),
    }.get(refused.code, refused.code)


@requires(Permission.VIEW)
@require_http_methods(["GET", "HEAD"])
def index(request: StaffRequest) -> HttpResponse:
    """Every live segment with its size."""
    return render(request, "segments/index.html", {"segments": Segment.objects.live().order_by("name")})


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def new(request: StaffRequest) -> HttpResponse:
    return _build(request, None)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def edit(request: StaffRequest, segment_id: int) -> HttpResponse:
    return _build(request, get_object_or_404(Segment.objects.live(), pk=segment_id, kind=Segment.Kind.DYNAMIC))


@requires(Permission.VIEW)
@require_http_methods(METHODS)
def detail(request: StaffRequest, segment_id: int) -> HttpResponse:
    """One segment; a POST asks about one member, so that whom stays out of the address."""
    portrait = SegmentPortrait(segment_id, at=clock.now(), who=request.POST.get("who", ""))
    template = "segments/detail.html#check" if request.htmx and request.method == "POST" else "segments/detail.html"
    return _varied(render(request, template, {"portrait": portrait, "segment": portrait.segment}))


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def freeze(request: StaffRequest, segment_id: int) -> HttpResponse:
    """Keep who is in it now as a static segment."""
    segment = get_object_or_404(Segment.objects.live(), pk=segment_id, rule__isnull=False)
    form = FreezeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = saving.freeze(rule=read_rule(segment.rule), actor=request.user, at=clock.now(), **form.cleaned_data)
        except SegmentRefused as refused:
            form.add_error(None, refusal(refused))
        except RuleInvalid as invalid:
            form.add_error(None, "; ".join(error.message for error in invalid.errors))
        else:
            messages.success(request, _("These members are kept as a static segment."))
            return _gone_to(request, reverse("segments:detail", args=[made.pk]))
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
        except SegmentRefused as refused:
            form.add_error(None, refusal(refused))
        else:
            messages.success(request, _("The segment is archived."))
            return _gone_to(request, reverse("segments:index"))
    return _act(
        request, form, segment, _("Archive this segment"), _("Archive"),
        _("It is refreshed and offered no more; its history stays."),
    )  # fmt: skip


def _build(request: StaffRequest, segment: Segment | None) -> HttpResponse:
    """The builder: each POST is a step of writing, the last one saves."""
    at = clock.now()
    if request.method != "POST":
        session = Session.begin(segment)
        form = SegmentForm.of(segment) if segment else SegmentForm()
        return _varied(_builder(request, session, form, segment, Builder(session.draft, at=at, segment=segment)))
    try:
        session = Session.go_on(request.POST)
    except DraftBroken:
        return HttpResponseBadRequest(_("This rule cannot be read. Reload the page."))
    builder = Builder(session.draft, at=at, segment=segment, who=request.POST.get("who", ""))
    saves = request.POST.get("do") == "save"
    form = SegmentForm(request.POST if saves else None, initial=request.POST.dict())
    if saves and form.is_valid() and builder.rule is not None:
        try:
            saved = saving.save_segment(
                rule=builder.rule, actor=request.user, at=at, segment_id=segment.pk if segment else None,
                base_version=session.base_version, **form.cleaned_data,
            )  # fmt: skip
        except SegmentRefused as refused:
            form.add_error(None, refusal(refused))
        except RuleInvalid as invalid:
            form.add_error(None, "; ".join(error.message for error in invalid.errors))
        else:
            refresh_segment.delay_on_commit(saved.pk)
            messages.success(request, _("Saved. The members are being counted."))
            return _gone_to(request, reverse("segments:detail", args=[saved.pk]))
    if saves and builder.rule is None:
        form.add_error(None, _("Add a condition.") if session.draft.is_empty else _("Complete the marked conditions."))
    return _varied(_builder(request, session, form, segment, builder, status=422 if saves else 200))


def _builder(
    request: StaffRequest, session: Session, form: SegmentForm, segment: Segment | None, builder: Builder,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    template = "segments/edit.html#builder" if request.htmx else "segments/edit.html"
    context: dict[str, Any] = {"session": session, "form": form, "segment": segment, "builder": builder}
    response = render(request, template, context, status=status)
    if status == 422:
        # A step replaces the rule and its figures; a refused save also what was typed around them.
        response["HX-Retarget"] = response["HX-Reselect"] = "#builder"
    return response


def _act(request: StaffRequest, form: Any, segment: Segment, heading: str, button: str, lead: str) -> HttpResponse:
    context = {"form": form, "segment": segment, "heading": heading, "button": button, "lead": lead}
    return render(request, "segments/act.html", context, status=422 if form.errors else 200)


def _gone_to(request: StaffRequest, address: str) -> HttpResponse:
    if not request.htmx:
        return redirect(address)
    return HttpResponse(status=204, headers={"HX-Redirect": address})


def _varied(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["HX-Request"])
    return response
