"""Files as people send them, and the wizard's way through operations."""

from collections.abc import Iterable, Mapping

from django.core.files.uploadedfile import SimpleUploadedFile

from members.imports.models import ImportRun
from members.imports.operations.uploads import receive, start_check
from members.imports.operations.work import work
from members.imports.operations.writes import confirm


def upload(text: str | bytes, name: str = "members.csv", encoding: str = "utf-8") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode(encoding))


def checked(
    text: str | bytes, *, actor, at, options: Mapping[str, object] | None = None, profile: str = "", **kw
) -> ImportRun:
    """A run received and checked with the mapping guessed."""
    run = receive(upload=upload(text, **kw), actor=actor, at=at, profile=profile)
    assert start_check(run_id=run.pk, mapping=run.mapping, options=options or {})
    work(run_id=run.pk, at=at)
    return again(run)


def written(text: str | bytes, *, actor, at, mode: str = "all", **kw) -> ImportRun:
    """A run received, checked, confirmed and written."""
    run = checked(text, actor=actor, at=at, **kw)
    assert run.status == "checked", (run.status, run.failure_code, run.failure_detail)
    assert confirm(run_id=run.pk, mode=mode, actor=actor, at=at), issues(run)
    work(run_id=run.pk, at=at)
    return again(run)


def again(run: ImportRun) -> ImportRun:
    return ImportRun.objects.get(pk=run.pk)


def issues(run: ImportRun) -> list[tuple[int, str, str, str]]:
    return list(run.issues.order_by("row_no", "field").values_list("row_no", "field", "code", "value"))


def codes(run: ImportRun) -> set[str]:
    return set(run.issues.values_list("code", flat=True))


def csv(header: str, rows: Iterable[str]) -> str:
    return "\n".join([header, *rows]) + "\n"
