"""Likely duplicates: the list, two members side by side, merging and taking it back."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.console.http import StaffRequest
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.access import Permission, requires
from members.merging import tasks
from members.merging.console.pages import Comparison, PairList, parted_queues, surplus_of
from members.merging.models import DuplicatePair, MergeRecord
from members.merging.operations import finding
from members.merging.operations.unmerging import (
    check_surplus,
    first_to_undo,
    rehearse_undo,
    unmerge_members,
    unsplittable,
)
from members.merging.words import REFUSALS
from members.terms.words import REFUSALS as TERM_REFUSALS


@requires(Permission.VIEW)
@require_safe
def pair_list(request: StaffRequest) -> HttpResponse:
    """Who may be one person, and why."""
    return render(request, "merging/index.html", {"listing": PairList(request.GET)})


@requires(Permission.OPERATE)
@require_POST
def find(request: StaffRequest) -> HttpResponse:
    tasks.find_duplicates.delay_on_commit()
    messages.success(request, _("Looking through all members; new pairs appear here in a minute or two."))
    return redirect("merging:index")


@requires(Permission.VIEW)
@require_safe
def pair_detail(request: StaffRequest, pair_id: int) -> HttpResponse:
    """Two members side by side: who stays, which values stay, what moves."""
    merged = get_object_or_404(DuplicatePair.objects.select_related("merge__survivor"), pk=pair_id).merge
    if merged is not None:
        return redirect(merged.survivor)
    return _compared(request, Comparison(pair_id))


@requires(Permission.OPERATE)
@require_POST
def merge(request: StaffRequest, pair_id: int) -> HttpResponse:
    comparison = Comparison(pair_id, request.POST)
    form = comparison.form
    if form.is_valid() and (record := form.merge(actor=request.user, at=clock.now())):
        messages.success(request, _("The two are one member now. The merge can be undone on this page."))
        return redirect(record.survivor)
    return _compared(request, comparison)


def _compared(request: StaffRequest, comparison: Comparison) -> HttpResponse:
    context = {"comparison": comparison, "pair": comparison.pair}
    return render(request, "merging/pair.html", context, status=422 if comparison.form.errors else 200)


@requires(Permission.OPERATE)
@require_POST
def dismiss(request: StaffRequest, pair_id: int) -> HttpResponse:
    get_object_or_404(DuplicatePair, pk=pair_id)
    if finding.dismiss_pair(pair_id=pair_id, actor=request.user, at=clock.now()):
        messages.success(request, _("Noted: not the same person. The pair comes back only for a new reason."))
    return redirect("merging:index")


@requires(Permission.OPERATE)
@require_POST
def reopen(request: StaffRequest, pair_id: int) -> HttpResponse:
    get_object_or_404(DuplicatePair, pk=pair_id)
    if finding.reopen_pair(pair_id=pair_id, actor=request.user, at=clock.now()):
        messages.success(request, _("The pair is on the list again."))
    return redirect("merging:pair", pair_id)


@requires(Permission.OPERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: StaffRequest, record_id: int) -> HttpResponse:
    """What taking a merge back restores and what it cannot split; then it is taken back."""
    records = MergeRecord.objects.select_related("survivor", "absorbed", "merged_by")
    record = get_object_or_404(records, pk=record_id)
    refusal, parts = "", None
    if request.method == "POST":
        try:
            if "look" in request.POST:
                at = clock.now()
                parts = parted_queues(rehearse_undo(record_id=record_id, at=at), at)
                return _undo_page(request, record, refusal, parts)
            undone = unmerge_members(actor=request.user, at=clock.now(), record_id=record_id)
            messages.success(request, _("The merge is undone: they are two members again."))
            return redirect("merging:undo", record_id) if undone.kept.get("surplus") else redirect(record.absorbed)
        except Refused as refused:
            refusal = refusal_text(refused, REFUSALS, TERM_REFUSALS)
    return _undo_page(request, record, refusal, parts)


def _undo_page(request: StaffRequest, record: MergeRecord, refusal: str, parts: Any) -> HttpResponse:
    before = first_to_undo(record) if record.undone_at is None else None
    context = {
        "record": record, "rest": unsplittable(record), "refusal": refusal, "before": before,
        "surplus": surplus_of(record), "parts": parts,
    }  # fmt: skip
    return render(request, "merging/undo.html", context, status=422 if refusal else 200)


@requires(Permission.OPERATE)
@require_POST
def check(request: StaffRequest, record_id: int) -> HttpResponse:
    """Somebody has seen to what could not go back."""
    get_object_or_404(MergeRecord, pk=record_id)
    if check_surplus(record_id=record_id, actor=request.user, at=clock.now()):
        messages.success(request, _("Noted: it has been seen to."))
    return redirect("merging:undo", record_id)
