"""A file comes in: stored as it is, looked at, and its columns guessed. Nothing of it is read into the tables yet."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from members.files.mapping import guess, plain_name
from members.files.reading import Layout, Preview, guess_delimiter, looks_like_header, preview_csv, scan
from members.files.workbooks import preview_sheet, sheet_names
from members.imports import staging
from members.imports.models import ImportRun
from members.imports.shapes import SHAPES

Status = ImportRun.Status

# What the file's layout, chosen anew, may mend.
_MENDABLE = ("blank_header", "duplicate_headers", "unclosed_quote", "wrong_encoding", "too_many_columns")

# Headers by which a known file is recognised, most telling first.
_TELLING: tuple[tuple[str, frozenset[str]], ...] = (
    ("telco", frozenset({"customerid", "tenure", "contract", "monthlycharges", "churn"})),
    ("cdnow", frozenset({"customerid", "date", "numberofcds", "dollarvalue"})),
)


def receive(*, upload: File, actor: User, at: datetime, profile: str = "") -> ImportRun:
    """Store an uploaded file and return its run, with format, encoding, separator, columns and mapping guessed.

    ``profile`` is an ``ImportRun.Profile`` or empty to guess it. Raises Refused, keeping nothing, for a file that
    is too large, empty, or no table.
    """
    if upload.size > settings.IMPORT_MAX_BYTES:
        raise Refused("too_large", limit_bytes=settings.IMPORT_MAX_BYTES)
    suffix = Path(upload.name or "").suffix[:8]
    # The stored name says nothing about the file: names are typed by people and may hold personal data.
    stored = default_storage.save(f"imports/{at:%Y/%m}/{at:%d%H%M%S%f}{suffix}", upload)
    path = Path(default_storage.path(stored))
    try:
        found = scan(path)
        run = ImportRun(
            profile=profile or ImportRun.Profile.MEMBERS, file=stored, file_name=Path(upload.name or "file").name[:255],
            file_bytes=found.size, sha256=found.sha256, format=found.format, encoding=found.encoding,
            created_at=at, created_by=actor,
        )  # fmt: skip
        if found.first_bad_line:
            run.details = {"not_utf8_from_line": found.first_bad_line}
        if run.format == ImportRun.Format.XLSX:
            run.sheet = sheet_names(path)[0]
        else:
            run.delimiter = guess_delimiter(path, found.encoding)
            run.has_header = looks_like_header(path, Layout(run.encoding, run.delimiter))
        _look(run, guess_profile=not profile)
    except Refused:
        default_storage.delete(stored)
        raise
    with transaction.atomic():
        run.save()
        audit(run, "import.uploaded", actor=actor, at=at, bytes=run.file_bytes, sha256=run.sha256)
    return run


@transaction.atomic
def change_layout(
    *, run_id: int, encoding: str, delimiter: str, has_header: bool, sheet: str, profile: str
) -> ImportRun:
    """Read the file another way than guessed; columns and mapping are guessed anew. Raises Refused."""
    run = ImportRun.objects.select_for_update().get(pk=run_id, status=Status.UPLOADED)
    run.profile = profile
    run.has_header = has_header
    if run.format == ImportRun.Format.XLSX:
        run.sheet = sheet
    else:
        run.encoding, run.delimiter = encoding, delimiter
    _look(run, guess_profile=False)
    run.save(
        update_fields=["profile", "has_header", "sheet", "encoding", "delimiter", "columns", "mapping", "failure_code",
                       "failure_detail"]
    )  # fmt: skip
    return run


def preview(run: ImportRun) -> Preview:
    """The first rows as the run reads them now. Raises Refused."""
    if run.format == ImportRun.Format.XLSX:
        return preview_sheet(Path(run.file.path), run.sheet, run.has_header)
    return preview_csv(Path(run.file.path), Layout(run.encoding, run.delimiter, run.has_header))


def _look(run: ImportRun, *, guess_profile: bool) -> None:
    """Find columns and mapping as the run is read now; what another layout may mend is kept as the run's failure."""
    run.failure_code, run.failure_detail, run.columns = "", {}, []
    try:
        run.columns = preview(run).header
        _require_names(run)
    except Refused as refused:
        if refused.code not in _MENDABLE:
            raise
        run.failure_code, run.failure_detail = refused.code, refused.detail
    if guess_profile:
        run.profile = profile_of(run.columns)
    run.mapping = guess(run.columns, SHAPES[run.profile].fields)


def _require_names(run: ImportRun) -> None:
    """Columns are told apart by their names: each needs one, and no two the same."""
    seen: set[str] = set()
    for number, name in enumerate(run.columns, 1):
        if not name:
            raise Refused("blank_header", number=number)
        if plain_name(name) in seen:
            raise Refused("duplicate_headers", name=name)
        seen.add(plain_name(name))


def profile_of(header: Sequence[str]) -> str:
    """Which kind of file a header belongs to."""
    names = {plain_name(name) for name in header}
    for profile, telling in _TELLING:
        if telling <= names:
            return profile
    filled = {profile: set(guess(header, SHAPES[profile].fields)) - {""} for profile in ("events", "terms")}
    if {"event", "occurred_at"} <= filled["events"]:
        return ImportRun.Profile.EVENTS
    if "external_ref" in filled["terms"] and filled["terms"] & {"activation_time"}:
        return ImportRun.Profile.TERMS
    return ImportRun.Profile.MEMBERS


def missing_fields(profile: str, mapping: Iterable[str]) -> list[tuple[str, ...]]:
    """The groups of fields of which no column fills one, though the kind of file needs it."""
    mapped = set(mapping)
    return [group for group in SHAPES[profile].needs if not mapped & set(group)]


@transaction.atomic
def start_check(*, run_id: int, mapping: Sequence[str], options: Mapping[str, object]) -> bool:
    """Fix the mapping and hand the run to a worker; returns False when it is not waiting for that."""
    run = ImportRun.objects.get(pk=run_id)
    if run.failure_code:
        raise Refused(run.failure_code, **run.failure_detail)
    if len(mapping) != len(run.columns) or missing_fields(run.profile, mapping):
        raise Refused("columns_missing")
    return ImportRun.objects.advance(
        run_id, Status.UPLOADED, Status.CHECKING, mapping=list(mapping), options=dict(options), attempts=0, step="",
        progress_done=0, progress_total=run.file_bytes,
    )  # fmt: skip


def reopen(*, run_id: int) -> bool:
    """Back to the columns from a finished or failed check; returns whether it was there."""
    return any(
        ImportRun.objects.advance(run_id, source, Status.UPLOADED, failure_code="", failure_detail={})
        for source in (Status.CHECKED, Status.FAILED)
    )


def check_again(*, run_id: int) -> bool:
    """Check the same file again with the same columns: after a tier was made, or the failure's cause was mended."""
    return any(
        ImportRun.objects.advance(
            run_id, source, Status.CHECKING, failure_code="", failure_detail={}, attempts=0, progress_done=0
        )
        for source in (Status.CHECKED, Status.FAILED)
    )


def discard(*, run_id: int, actor: User, at: datetime) -> bool:
    """Give a run up that wrote nothing: its tables and its file go, the row stays. Returns whether it could."""
    with transaction.atomic():
        gone = any(
            ImportRun.objects.advance(run_id, source, Status.DISCARDED, finished_at=at)
            for source in (Status.UPLOADED, Status.CHECKED, Status.FAILED)
        )
        if not gone:
            return False
        run = ImportRun.objects.get(pk=run_id)
        run.issues.all().delete()
        staging.drop(run_id)
        audit(run, "import.discarded", actor=actor, at=at)
        transaction.on_commit(lambda: run.file.storage.delete(str(run.file.name)))
    return True
