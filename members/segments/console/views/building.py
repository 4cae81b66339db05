"""The builder: each POST is a step of writing, the last one saves."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from members.people.console.links import members_list
from members.segments.console.builder.draft import DraftBroken
from members.segments.console.builder.page import Builder
from members.segments.console.builder.review import Review
from members.segments.console.builder.session import Session
from members.segments.console.forms import SegmentForm
from members.segments.console.unsaved import remember
from members.segments.console.views.answers import (
    METHODS,
    asks_for_detail,
    begun,
    built,
    detail_shown,
    gone_on,
    gone_to,
    varied,
)
from members.segments.models import Segment
from members.segments.operations import saving
from members.segments.schema import Rule, RuleInvalid
from members.segments.tasks import refresh_segment
from members.segments.words import REFUSALS


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def new(request: StaffRequest) -> HttpResponse:
    return _build(request, None)


@requires(Permission.OPERATE)
@require_http_methods(METHODS)
def edit(request: StaffRequest, segment_id: int) -> HttpResponse:
    return _build(request, get_object_or_404(Segment.objects.live(), pk=segment_id, kind=Segment.Kind.DYNAMIC))


def _build(request: StaffRequest, segment: Segment | None) -> HttpResponse:
    if request.method != "POST":
        session = begun(request, segment)
        form = SegmentForm.of(segment) if segment else SegmentForm()
        return _shown(request, session, form, segment, Builder(session.draft, at=clock.now(), segment=segment))
    try:
        session = gone_on(request)
    except DraftBroken:
        return HttpResponseBadRequest(_("This rule cannot be read. Reload the page."))
    builder = built(request, session, at=clock.now(), segment=segment)
    if asks_for_detail(request):
        return detail_shown(request, builder)
    if request.POST.get("do") == "save":
        return _save(request, session, segment, builder)
    return _shown(request, session, SegmentForm(initial=request.POST.dict()), segment, builder)


def _save(request: StaffRequest, session: Session, segment: Segment | None, builder: Builder) -> HttpResponse:
    """Save the rule, or say what keeps it from being saved; one that is in live use is reviewed first."""
    form = SegmentForm(request.POST)
    rule = builder.rule
    if form.is_valid() and rule is not None:
        review = Review(segment, rule, at=builder.at) if segment else None
        if review and review.is_needed and request.POST.get("reviewed") != review.digest:
            session.focus = "review"
            return _shown(request, session, form, segment, builder, review=review)
        try:
            saved = saving.save_segment(
                rule=rule, actor=request.user, at=builder.at, segment_id=segment.pk if segment else None,
                base_version=session.base_version, **form.cleaned_data,
            )  # fmt: skip
        except Refused as refused:
            form.add_error(None, refusal_text(refused, REFUSALS))
        except RuleInvalid as invalid:
            form.add_error(None, "; ".join(error.message for error in invalid.errors))
        else:
            refresh_segment.delay_on_commit(saved.pk)
            messages.success(request, _("Saved. The members are being counted."))
            return gone_to(request, reverse("segments:detail", args=[saved.pk]))
    if rule is None:
        form.add_error(None, _("Add a condition.") if session.draft.is_empty else _("Complete the marked conditions."))
    return _shown(request, session, form, segment, builder, status=422)


def _shown(
    request: StaffRequest, session: Session, form: SegmentForm, segment: Segment | None, builder: Builder,
    status: int = 200, review: Review | None = None,
) -> HttpResponse:  # fmt: skip
    template = "segments/edit.html#builder" if request.htmx else "segments/edit.html"
    context: dict[str, Any] = {
        "session": session, "form": form, "segment": segment, "builder": builder, "review": review,
        "members_href": _href(request, builder.rule) if request.method == "POST" else "",
    }  # fmt: skip
    if review:
        context["entering_href"] = _href(request, review.entering_rule)
        context["leaving_href"] = _href(request, review.leaving_rule)
    response = render(request, template, context, status=status)
    if status == 422 or review:
        # A step replaces the rule and its figures; a refused save also what was typed around them.
        response["HX-Retarget"] = response["HX-Reselect"] = "#builder"
    return varied(response)


def _href(request: StaffRequest, rule: Rule | None) -> str:
    """The members list narrowed to a rule that is not saved; empty where there is no such list."""
    name = remember(request, rule) if rule is not None else ""
    return members_list(rule=name) if name else ""
