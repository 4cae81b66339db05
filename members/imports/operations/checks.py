"""The check: a stored file is staged with COPY and judged in PostgreSQL. It writes nothing outside its own tables."""

from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from config.engine.money import project_currency
from config.engine.refusal import Refused
from members.events.models import Source
from members.files.mapping import ATTRIBUTE, IGNORE
from members.files.reading import BadRow, CsvRows, Layout
from members.files.workbooks import SheetRows
from members.imports import issues, staging, validation
from members.imports.models import ImportIssue, ImportRun
from members.imports.shapes import EVENT_PROFILES, Setting
from members.imports.validation import Plan
from members.plans.models import Plan as SoldPlan
from members.plans.models import Tier

Status = ImportRun.Status

# Beyond this many rows that cannot be taken apart the separator or the file is wrong, and a list helps nobody.
MAX_BAD_ROWS = 10_000

# One import sorts and hashes a million rows at a time; the settings hold for its own transactions only. Durability is
# left as the server has it.
SESSION = "SET LOCAL work_mem = '128MB'; SET LOCAL maintenance_work_mem = '128MB'"


def check(*, run_id: int, at: datetime) -> None:
    """Stage and judge the run's file. Idempotent: a second call begins anew. Raises Refused."""
    run = ImportRun.objects.get(pk=run_id)
    prepare(run)
    found = judge(run)
    ImportRun.objects.advance(
        run_id, Status.CHECKING, Status.CHECKED, checked_at=at, attempts=0, step="",
        rows_rejected=found["rejected"], to_create=found["create"], to_update=found["update"],
        unchanged_count=found["same"],
    )  # fmt: skip


def prepare(run: ImportRun) -> None:
    """Fill the run's ``raw`` table from its file; the rows that cannot be taken apart become issues."""
    run.issues.all().delete()
    rows = open_rows(run)
    columns = sorted(index for index, field in enumerate(run.mapping) if field != IGNORE)
    found = 0

    def keep(bad_rows: list[BadRow]) -> None:
        nonlocal found
        found += len(bad_rows)
        if found > MAX_BAD_ROWS:
            raise Refused("too_many_bad_rows", limit=MAX_BAD_ROWS)
        issues.write_bad_rows(run, bad_rows)
        bad_rows.clear()

    def told(_staged: int) -> None:
        keep(rows.bad_rows)
        ImportRun.objects.report_progress(run.pk, step="reading", done=rows.position(), total=run.file_bytes)

    _, nulls = staging.stage(run.pk, rows.blocks(), columns=columns, told=told)
    keep(rows.bad_rows)
    keep(nulls)
    if not rows.rows_read:
        raise Refused("no_rows")
    run.rows_read = rows.rows_read
    ImportRun.objects.filter(pk=run.pk).update(rows_read=rows.rows_read)


def judge(run: ImportRun) -> dict[str, int]:
    """Type the staged rows, find their members and problems; returns the counts. One transaction, again the same."""
    ImportRun.objects.report_progress(run.pk, step="judging", done=0, total=0)
    plan = plan_of(run)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(SESSION)
        run.issues.exclude(code__in=("ragged", "cell_too_long", "stray_quote", "nul", "formula_cell")).delete()
        validation.build(plan)
        issues.write_issues(plan)
        return issues.counts(plan)


def open_rows(run: ImportRun) -> CsvRows | SheetRows:
    """The data rows of the run's file, in the layout a person confirmed."""
    path = Path(run.file.path)
    if run.format == ImportRun.Format.XLSX:
        return SheetRows(path, run.sheet, run.has_header)
    return CsvRows(path, Layout(run.encoding, run.delimiter, run.has_header))


def plan_of(run: ImportRun) -> Plan:
    """How the run's columns fill its shape, with the project's tiers and plans by every name they go by."""
    columns = {field: index for index, field in enumerate(run.mapping) if field not in (IGNORE, ATTRIBUTE)}
    attributes = {run.columns[i][:60]: i for i, field in enumerate(run.mapping) if field == ATTRIBUTE}
    plans = list(SoldPlan.objects.select_related("tier"))
    lookups = {
        "tier": {word: tier.pk for tier in Tier.objects.all() for word in _words(tier.code, tier.name, tier.name_zh)},
        "plan": {word: plan.pk for plan in plans for word in _words(plan.code, plan.name, plan.name_zh)},
    }
    options = dict(run.options)
    if run.profile in EVENT_PROFILES:
        options["source"] = Source.objects.filter(code=source_code(run)).values_list("pk", flat=True).first()
    setting = Setting(
        zone=settings.PROJECT_TIME_ZONE,
        currency=project_currency(),
        options=options,
        plan_tier={plan.pk: plan.tier_id for plan in plans},
        plan_length={plan.pk: f"{plan.duration_count} {plan.duration_unit}" for plan in plans},
        event_prefix=f"{source_code(run)}:{run.sha256[:16]}:",
    )
    return Plan(run.pk, run.profile, columns, attributes, run.columns, setting, lookups)


def source_code(run: ImportRun) -> str:
    """The event source a file's events belong to."""
    return "cdnow" if run.profile == ImportRun.Profile.CDNOW else "file"


def _words(*names: str) -> set[str]:
    return {name.strip().lower() for name in names if name.strip()}


def unknown_words(run: ImportRun, code: str, limit: int = 50) -> list[str]:
    """The distinct names in the file behind an ``unknown_…`` issue."""
    return list(
        ImportIssue.objects.filter(run=run, severity=ImportIssue.Severity.ERROR, code=code)
        .order_by("value")
        .values_list("value", flat=True)
        .distinct()[:limit]
    )
