"""What the import pages show: plain read models, no writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.engine.ids import read_id
from config.engine.refusal import Refused, refusal_text
from members.files.mapping import IGNORE
from members.files.reading import Preview
from members.files.words import failure
from members.files.workbooks import sheet_names
from members.imports import staging
from members.imports.console.forms import DELIMITER_LABELS, ENCODING_LABELS, LayoutForm, MappingForm
from members.imports.models import ImportIssue, ImportRun
from members.imports.operations.checks import unknown_words
from members.imports.operations.undo import obstacles
from members.imports.operations.uploads import preview
from members.imports.shapes import SHAPES
from members.imports.words import ISSUES, OBSTACLES, REFUSALS, STEPS
from members.people.models import Identity, Member

Status = ImportRun.Status
PAGE = 25
ISSUES_SHOWN = 20

DOTS = {
    Status.UPLOADED: "", Status.CHECKING: "run", Status.CHECKED: "warn", Status.APPLYING: "run", Status.SETTLING: "run",
    Status.DONE: "good", Status.FAILED: "bad", Status.UNDOING: "run", Status.UNDONE: "off", Status.DISCARDED: "off",
}  # fmt: skip
# At which of the five steps a run stands.
_STEP = {
    Status.UPLOADED: 2, Status.CHECKING: 3, Status.FAILED: 3, Status.CHECKED: 4, Status.APPLYING: 4, Status.SETTLING: 4,
    Status.DONE: 5, Status.UNDOING: 5, Status.UNDONE: 5, Status.DISCARDED: 5,
}  # fmt: skip


def index(before: str) -> dict[str, Any]:
    """The runs, newest first, from ``before`` (a key) on."""
    runs = ImportRun.objects.select_related("created_by")
    if last := read_id(before):
        runs = runs.filter(pk__lt=last)
    shown = list(runs[: PAGE + 1])
    following = f"?before={shown[PAGE - 1].pk}" if len(shown) > PAGE else ""
    return {
        "rows": [{"run": run, "dot": DOTS[Status(run.status)], "note": _note(run)} for run in shown[:PAGE]],
        "next": following,
        "is_first": not before,
    }


def _note(run: ImportRun) -> str:
    """One line on how a run stands, with what to do when it failed."""
    if run.status == Status.FAILED:
        return refusal_text(Refused(run.failure_code, **run.failure_detail), REFUSALS)
    if run.status in (Status.DONE, Status.SETTLING):
        return _("%(created)s created · %(updated)s updated · %(same)s unchanged") % {
            "created": run.created_count, "updated": run.updated_count, "same": run.unchanged_count,
        }  # fmt: skip
    if run.status == Status.CHECKED and run.rows_rejected:
        return ngettext("%(n)s row to change", "%(n)s rows to change", run.rows_rejected) % {"n": run.rows_rejected}
    return ""


def steps(run: ImportRun | None) -> list[dict[str, str]]:
    """The five steps with a word on each."""
    here = _STEP[Status(run.status)] if run else 1
    notes = ["", "", "", "", ""]
    if run:
        mapped = sum(field != IGNORE for field in run.mapping)
        notes = [
            filesizeformat(run.file_bytes),
            _("%(mapped)s of %(all)s columns") % {"mapped": mapped, "all": len(run.columns)},
            _note(run) if run.status == Status.CHECKED and run.rows_rejected else "",
            run.get_mode_display() if run.confirmed_at else "",
            run.get_status_display() if here == 5 else "",
        ]
    labels = [_("Upload"), _("Columns"), _("Check"), _("Confirm"), _("Result")]
    return [
        {"label": label, "note": notes[n - 1], "status": "done" if n < here else "cur" if n == here else ""}
        for n, label in enumerate(labels, 1)
    ]


def detail(
    run: ImportRun,
    query: Mapping[str, str],
    layout_form: LayoutForm | None = None,
    mapping_form: MappingForm | None = None,
) -> dict[str, Any]:
    """Everything the page of a run shows at the step it stands at."""
    context: dict[str, Any] = {
        "run": run,
        "steps": steps(run),
        "dot": DOTS[Status(run.status)],
        "summary": _summary_line(run),
    }
    if run.status == Status.UPLOADED:
        context |= _columns(run, layout_form, mapping_form)
    elif run.is_working:
        context |= _progress(run)
    elif run.status == Status.CHECKED:
        context |= _report(run, query)
    elif run.status == Status.FAILED:
        context["failure"] = failure(run.failure_code, run.failure_detail, REFUSALS)
    else:
        context |= _result(run)
    context["panel"] = _panel(run)
    return context


def _panel(run: ImportRun) -> str:
    if run.is_working:
        return "imports/includes/progress.html"
    names = {Status.UPLOADED: "columns", Status.CHECKED: "report", Status.FAILED: "failure"}
    return f"imports/includes/{names.get(Status(run.status), 'result')}.html"


def _summary_line(run: ImportRun) -> str:
    parts = [run.file_name]
    if run.rows_read:
        parts.append(ngettext("%(n)s row", "%(n)s rows", run.rows_read) % {"n": f"{run.rows_read:,}"})
    parts.append(ENCODING_LABELS.get(run.encoding, "XLSX"))
    if run.status in (Status.UPLOADED, Status.CHECKING, Status.CHECKED, Status.FAILED):
        parts.append(_("nothing written yet"))
    return " · ".join(parts)


def _earlier(run: ImportRun) -> ImportRun | None:
    return ImportRun.objects.written_with(run.sha256).exclude(pk=run.pk).first()


def sheets(run: ImportRun) -> list[str]:
    return sheet_names(Path(run.file.path)) if run.format == ImportRun.Format.XLSX else []


def _columns(run: ImportRun, layout_form: LayoutForm | None, mapping_form: MappingForm | None) -> dict[str, Any]:
    mapping_form = mapping_form or MappingForm(run=run)
    try:
        seen, problem = preview(run), None
    except (Refused, FileNotFoundError) as error:
        seen = Preview([], [])
        code, facts = (error.code, error.detail) if isinstance(error, Refused) else ("file_gone", {})
        problem = failure(code, facts, REFUSALS)
    if run.failure_code and problem is None:
        problem = failure(run.failure_code, run.failure_detail, REFUSALS)
    kinds = {field.name: field.name if field.is_personal else "" for field in SHAPES[run.profile].fields}
    rows = []
    for index, name in enumerate(run.columns):
        target = run.mapping[index] if index < len(run.mapping) else IGNORE
        samples = [row[index] for row in seen.rows if index < len(row) and row[index].strip()][:3]
        rows.append(
            {"name": name, "field": mapping_form[f"c{index}"], "mask": kinds.get(target, ""), "samples": samples,
             "is_mapped": target != IGNORE}
        )  # fmt: skip
    return {
        "layout_form": layout_form or LayoutForm(run=run, sheets=sheets(run)),
        "mapping_form": mapping_form,
        "columns": rows,
        "ignored": [row["name"] for row in rows if not row["is_mapped"]],
        "preview": seen,
        "preview_masks": [kinds.get(field, "") for field in run.mapping],
        "problem": problem,
        "earlier": _earlier(run),
        "not_utf8_from_line": run.details.get("not_utf8_from_line"),
        "delimiter": DELIMITER_LABELS.get(run.delimiter, ""),
        "zone": settings.PROJECT_TIME_ZONE,
    }


def _progress(run: ImportRun) -> dict[str, Any]:
    share = run.progress_done / run.progress_total if run.progress_total else 0
    titles = {
        Status.CHECKING: _("Checking the file"), Status.APPLYING: _("Writing"),
        Status.SETTLING: _("Written. Lifecycle states are being computed"), Status.UNDOING: _("Undoing"),
    }  # fmt: skip
    return {
        "title": titles[Status(run.status)],
        "step": STEPS.get(run.step, ""),
        "share": share,
        "percent": round(share * 100),
        "is_bytes": run.step == "reading",
    }


def _groups(run: ImportRun, severity: str) -> list[dict[str, Any]]:
    found = (
        ImportIssue.objects.filter(run=run, severity=severity)
        .values("code", "column")
        .annotate(rows=Count("pk"))
        .order_by("-rows")
    )
    groups: dict[str, dict[str, Any]] = {}
    for row in found:
        group = groups.setdefault(
            row["code"], {"code": row["code"], "rows": 0, "columns": [], "wording": ISSUES[row["code"]]}
        )
        group["rows"] += row["rows"]
        if row["column"]:
            group["columns"].append(row["column"])
    return sorted(groups.values(), key=lambda group: -group["rows"])


def _report(run: ImportRun, query: Mapping[str, str]) -> dict[str, Any]:
    groups = _groups(run, ImportIssue.Severity.ERROR)
    warnings = _groups(run, ImportIssue.Severity.WARNING)
    known = {group["code"]: group for group in (*groups, *warnings)}
    chosen = known.get(query.get("reason", "")) or next(iter(known.values()), None)
    return {
        "groups": groups,
        "warnings": warnings,
        "chosen": chosen,
        "listing": _issue_rows(run, chosen, query) if chosen else None,
        "parts": _parts(run),
        "shares": _shares(run),
        "valid": run.rows_valid,
        "earlier": _earlier(run),
        "missing_tiers": unknown_words(run, "unknown_tier") if "unknown_tier" in known else [],
        "ignored": [name for name, field in zip(run.columns, run.mapping, strict=True) if field == IGNORE],
        "as_of_on": run.options.get("as_of_on"),
    }


def _parts(run: ImportRun) -> list[dict[str, Any]]:
    """The four numbers of a check: new, changed, the same, to mend."""
    events = run.profile in ("events", "cdnow")
    return [
        {"icon": "plus", "label": _("To create"), "count": run.to_create, "note": _("events") if events else run.get_profile_display()},
        {"icon": "refresh", "label": _("To update"), "count": run.to_update, "note": _("blank cells change nothing")},
        {"icon": "equal", "label": _("Unchanged"), "count": run.unchanged_count, "note": _("nothing is written")},
        {"icon": "alert-triangle", "label": _("To mend"), "count": run.rows_rejected, "note": _("rows with an error"),
         "kind": "bad" if run.rows_rejected else ""},
    ]  # fmt: skip


def _shares(run: ImportRun) -> list[dict[str, Any]]:
    """The four numbers as segments of one bar, in percent."""
    counts = [("a", run.to_create), ("b", run.to_update), ("m", run.unchanged_count), ("bad", run.rows_rejected)]
    total, x, segments = sum(n for _, n in counts) or 1, 0.0, []
    for name, count in counts:
        width = count / total * 100
        segments.append({"cls": f"f{name}", "x": f"{x:.2f}%", "width": f"{width:.2f}%"})
        x += width
    return segments


def _issue_rows(run: ImportRun, chosen: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    """One page of the rows behind a reason: the cell in full, the rest of the row masked."""
    after = read_id(query.get("after", ""))
    found = ImportIssue.objects.filter(run=run, code=chosen["code"]).order_by("row_no", "pk")
    if after:
        found = found.filter(row_no__gt=after)
    issues = list(found[: ISSUES_SHOWN + 1])
    shown = issues[:ISSUES_SHOWN]
    cells = staging.fetch_rows(run.pk, [issue.row_no for issue in shown])
    context = [
        name for name in ("display_name", "external_id", "activation_time", "expiration_time") if name in run.mapping
    ]
    columns = [(name, f"c{run.mapping.index(name)}") for name in context]
    base = f"?reason={chosen['code']}"
    return {
        "context": [SHAPES[run.profile].field(name).label for name in context],
        "rows": [
            {"issue": issue,
             "cells": [{"name": name, "text": cells.get(issue.row_no, {}).get(key) or ""} for name, key in columns]}
            for issue in shown
        ],
        "next": f"{base}&after={shown[-1].row_no}" if len(issues) > ISSUES_SHOWN else "",
        "first": base if after else "",
    }  # fmt: skip


def _result(run: ImportRun) -> dict[str, Any]:
    parts = [
        {"icon": "plus", "label": _("Created"), "count": run.created_count, "note": "",
         "href": reverse("imports:members", args=[run.pk]) if run.status == Status.DONE else ""},
        {"icon": "refresh", "label": _("Updated"), "count": run.updated_count, "note": "", "href": ""},
        {"icon": "equal", "label": _("Unchanged"), "count": run.unchanged_count, "note": "", "href": ""},
        {"icon": "alert-triangle", "label": _("Rejected"), "count": run.rows_rejected, "note": "",
         "kind": "bad" if run.rows_rejected else ""},
    ]  # fmt: skip
    context: dict[str, Any] = {"parts": parts, "shares": _shares_of_result(run)}
    if run.status == Status.DONE:
        found = obstacles(run)
        context["obstacles"] = [
            {"reason": OBSTACLES.get(reason, reason), "count": count, "members": members}
            for reason, count, members in found.found
        ]
        context["comparison"] = [
            {**row, "label": SHAPES[run.profile].field(row["field"]).label} for row in run.comparison
        ]
        if run.failure_code:
            context["failure"] = failure(run.failure_code, run.failure_detail, REFUSALS)
    return context


def _shares_of_result(run: ImportRun) -> list[dict[str, Any]]:
    run.to_create, run.to_update = run.created_count, run.updated_count
    return _shares(run)


def written_members(run: ImportRun, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of the members a run created or changed, by id."""
    after = read_id(query.get("after", ""))
    first = run.first_member_id
    touched = Q(pk__in=run.effects.values("member_id"))
    if first:
        touched |= Q(pk__gt=first, pk__lte=first + run.rows_read + 1)
    members = Member.objects.filter(touched).select_related("lifecycle").order_by("pk")
    if after:
        members = members.filter(pk__gt=after)
    shown = list(members[: PAGE + 1])
    page = shown[:PAGE]
    ids = dict(
        Identity.objects.filter(member__in=page, kind=Identity.Kind.EXTERNAL_ID).values_list("member_id", "value")
    )
    return {
        "run": run,
        "members": [
            {"member": m, "external_id": ids.get(m.pk, ""), "is_new": first is not None and m.pk > first} for m in page
        ],
        "next": f"?after={page[-1].pk}" if len(shown) > PAGE else "",
        "first": "?" if after else "",
    }
