"""What segments tell: beside each other, beside everybody, and over time."""

from datetime import timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.staff.access import Permission, requires
from members.segments.console.forms import CompareForm, DimensionForm, HistoryForm
from members.segments.console.overlap import Comparison, SegmentBreakdown
from members.segments.console.portrait import SegmentPast
from members.segments.dimensions import DIMENSIONS
from members.segments.models import Segment

SINCE_DAYS = 30


@requires(Permission.VIEW)
@require_safe
def compare(request: StaffRequest) -> HttpResponse:
    """How two to four segments overlap."""
    segments = list(Segment.objects.live().order_by("name"))
    form = CompareForm(request.GET if "s" in request.GET else None, segments=segments)
    chosen = form.cleaned_data["s"] if form.is_valid() else []
    comparison = Comparison([segment for segment in segments if segment.pk in chosen]) if chosen else None
    context = {"form": form, "segments": segments, "comparison": comparison}
    return render(request, "segments/compare.html", context, status=422 if form.errors else 200)


@requires(Permission.VIEW)
@require_safe
def breakdown(request: StaffRequest, segment_id: int) -> HttpResponse:
    """One segment by a dimension, beside everybody."""
    segment = get_object_or_404(Segment, pk=segment_id)
    dimension = DIMENSIONS.get(request.GET.get("by") or DIMENSIONS.codes()[0])
    if dimension is None:
        raise Http404
    shown = SegmentBreakdown(segment, dimension, at=clock.now())
    context = {"segment": segment, "shown": shown, "form": DimensionForm(initial={"by": dimension.code})}
    return render(request, "segments/breakdown.html", context)


@requires(Permission.VIEW)
@require_safe
def history(request: StaffRequest, segment_id: int) -> HttpResponse:
    """Who came and went since a day, and who was in at the end of one."""
    at = clock.now()
    segment = get_object_or_404(Segment, pk=segment_id)
    today = timezone.localtime(at).date()
    asked = {"since": (today - timedelta(days=SINCE_DAYS)).isoformat(), **request.GET.dict()}
    form = HistoryForm(asked, today=today)
    past = SegmentPast(segment, asked=form.cleaned_data if form.is_valid() else {}, params=request.GET, at=at)
    template = "segments/history.html#moves" if request.htmx else "segments/history.html"
    context = {"segment": segment, "form": form, "past": past}
    response = render(request, template, context, status=422 if form.errors else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response
