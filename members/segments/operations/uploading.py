"""A list of members becomes a static segment: stored, looked up by a worker, shown, and saved."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Count

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from members.files.reading import scan
from members.people.models import Member
from members.segments.lists import ListRows
from members.segments.models import Segment, SegmentUpload, SegmentUploadLine
from members.segments.operations.saving import fill, new_static
from members.segments.querysets import match_lines

MAX_BYTES = 100 * 1024 * 1024
# Lines looked up in one statement and transaction; progress is told between them.
BATCH = 20_000
# A worker that is silent for so long is gone: a million lines take less than a minute.
LEASE = timedelta(minutes=5)
KEPT = timedelta(days=7)


def receive_upload(*, upload: File, kind: str, actor: User | None, at: datetime) -> SegmentUpload:
    """Store a list; the caller wakes ``match_upload``. Raises Refused for what is no list, keeping nothing."""
    if upload.size > MAX_BYTES:
        raise Refused("too_large", limit_bytes=MAX_BYTES)
    suffix = Path(upload.name or "").suffix[:8]
    # The stored name says nothing about the file: names are typed by people and may hold personal data.
    stored = default_storage.save(f"segments/{at:%Y%m%d%H%M%S%f}{suffix}", upload)
    try:
        scan(Path(default_storage.path(stored)))
    except Refused:
        default_storage.delete(stored)
        raise
    return SegmentUpload.objects.create(
        kind=kind, file=stored, bytes_total=upload.size, created_at=at, created_by=actor
    )


def match_upload(*, upload_id: int, at: datetime) -> bool:
    """Look every entry of a waiting list up; returns whether this call did. Again, or twice at once, does no harm.

    Each batch is one statement in a transaction of its own; a worker that dies is followed by another after ``LEASE``,
    which begins anew. The file is deleted once it is read.
    """
    attempt = SegmentUpload.objects.claim(upload_id, at=at, stale_before=at - LEASE)
    if attempt is None:
        return False
    upload = SegmentUpload.objects.get(pk=upload_id)
    SegmentUploadLine.objects.filter(upload=upload).delete()
    try:
        for lines, read in _matched(upload):
            if not SegmentUpload.objects.held(upload_id, attempt).update(lines=lines, bytes_read=read):
                return False
    except (Refused, FileNotFoundError) as error:
        code, detail = (error.code, error.detail) if isinstance(error, Refused) else ("file_gone", {})
        changes: dict[str, Any] = {
            "status": SegmentUpload.Status.FAILED,
            "failure_code": code,
            "failure_detail": detail,
        }
    else:
        changes = {"status": SegmentUpload.Status.MATCHED, **_counts(upload_id)}
    is_done = bool(SegmentUpload.objects.held(upload_id, attempt).update(file="", **changes))
    if is_done:
        upload.file.storage.delete(str(upload.file.name))
    return is_done


def match_waiting(*, at: datetime) -> int:
    """Look up the lists whose worker died or was never woken; returns how many."""
    waiting = SegmentUpload.objects.waiting().order_by("pk").values_list("pk", flat=True)
    return sum(match_upload(upload_id=pk, at=at) for pk in list(waiting))


@transaction.atomic
def save_upload(
    *, upload_id: int, actor: User | None, at: datetime, name: str, name_zh: str = "", reason: str = ""
) -> Segment:
    """Make a static segment of the members a list names; returns it. Raises Refused.

    The list stays for some days, so that those not found can still be fetched; saved twice it gives one segment.
    """
    upload = SegmentUpload.objects.select_for_update().get(pk=upload_id)
    if upload.segment is not None:
        return upload.segment
    if upload.status != SegmentUpload.Status.MATCHED or not upload.members:
        raise Refused("no_members")
    segment = new_static(name, actor=actor, at=at, name_zh=name_zh, rule=None)
    named = SegmentUploadLine.objects.filter(upload=upload, member__isnull=False)
    diff = fill(segment, Member.objects.filter(pk__in=named.values("member_id")).values("pk"), at)
    upload.segment, upload.status = segment, SegmentUpload.Status.SAVED
    upload.save(update_fields=["segment", "status"])
    audit(segment, "segment.uploaded", actor=actor, at=at, reason=reason, members=diff.size, unknown=upload.unknown)
    return segment


@transaction.atomic
def discard_upload(*, upload_id: int, actor: User | None, at: datetime) -> bool:
    """Throw away a list that became no segment; returns whether there was one."""
    upload = SegmentUpload.objects.select_for_update().filter(pk=upload_id, segment__isnull=True).first()
    if upload is None:
        return False
    audit(upload, "segment.list_discarded", actor=actor, at=at)
    _forget(upload)
    return True


def forget_uploads(*, at: datetime) -> int:
    """Delete the lists of which nobody wants anything any more; returns how many."""
    old = list(SegmentUpload.objects.filter(created_at__lt=at - KEPT))
    for upload in old:
        with transaction.atomic():
            _forget(upload)
    return len(old)


def _forget(upload: SegmentUpload) -> None:
    if upload.file:
        storage, stored = upload.file.storage, str(upload.file.name)
        transaction.on_commit(lambda: storage.delete(stored))
    upload.delete()


def _matched(upload: SegmentUpload) -> Iterator[tuple[int, int]]:
    """Look the file's entries up a batch at a time; after each, the lines and bytes so far."""
    source = ListRows(Path(upload.file.path), upload.kind)
    rows, lines = iter(source), 0
    while batch := list(islice(rows, BATCH)):
        match_lines(upload_id=upload.pk, kind=upload.kind, rows=batch)
        lines += len(batch)
        yield lines, source.position()
    if not lines:
        raise Refused("no_rows")


def _counts(upload_id: int) -> dict[str, int]:
    upload = SegmentUpload.objects.get(pk=upload_id)
    row = SegmentUploadLine.objects.filter(upload=upload).aggregate(
        entries=Count("pk"), found=Count("member_id"), members=Count("member_id", distinct=True)
    )
    return {
        "found": row["found"], "members": row["members"], "unknown": row["entries"] - row["found"],
        "repeated": upload.lines - row["entries"],
    }  # fmt: skip
