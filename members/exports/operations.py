"""Lists that leave the house: streamed, formula-safe, audited, masked for those who need not see more."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from openpyxl import Workbook

from config.audit.record import audit_at_large
from config.engine.refusal import Refused
from config.staff.access import Permission
from config.staff.models import User
from members.exports.columns import ExportColumn, chosen, joined
from members.files.csv_text import cell, csv_lines
from members.people.models import Member

# Rows fetched at a time through a server-side cursor.
CHUNK = 2_000
CSV, XLSX = "csv", "xlsx"
# One sheet holds no more.
XLSX_ROWS = 1_048_575


def stream_members(
    *,
    queryset: QuerySet[Member],
    columns: Sequence[str],
    actor: User,
    at: datetime,
    reveal: bool,
    file_format: str = CSV,
    segment_id: int | None = None,
) -> Iterator[bytes]:
    """Audit the export and return its bytes as an iterator; memory stays at one chunk whatever the list.

    ``columns`` are keys of ``columns.catalogue()`` (empty: the usual ones). ``reveal`` shows names, phones and
    addresses in full to a role that may see them. ``segment_id`` names the segment the list was narrowed to, for the
    log. Raises Refused for more rows than an XLSX sheet holds.
    """
    reveal = reveal and actor.may(Permission.REVEAL)
    picked = chosen(columns)
    rows = queryset.count()
    if file_format == XLSX and rows > XLSX_ROWS:
        raise Refused("too_many_rows", limit=f"{XLSX_ROWS:,}")
    of_segment = {} if segment_id is None else {"segment": segment_id}
    keys = [column.key for column in picked]
    facts = {"rows": rows, "columns": keys, "format": file_format, "revealed": reveal, **of_segment}
    audit_at_large("members.exported", actor=actor, at=at, **facts)
    table = _table(queryset, picked, reveal=reveal, at=at)
    return xlsx_bytes(table) if file_format == XLSX else csv_lines(table)


def _table(
    queryset: QuerySet[Member], columns: list[ExportColumn], *, reveal: bool, at: datetime
) -> Iterator[list[Any]]:
    # Headings and words are fixed now: the rows are written after the request's language is gone.
    headings = [column.heading(reveal=reveal) for column in columns]
    found = joined(queryset, columns, at).order_by("pk").values_list(*(column.path for column in columns))
    writers = [column.writer(reveal=reveal) for column in columns]

    def rows() -> Iterator[list[Any]]:
        yield headings
        for row in found.iterator(chunk_size=CHUNK):
            yield [cell(write(raw)) for write, raw in zip(writers, row, strict=True)]

    return rows()


def xlsx_bytes(table: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """The rows as an XLSX workbook, written through a temporary file; memory stays at one row and one chunk."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Members")
    with tempfile.TemporaryFile() as stream:
        for row in table:
            sheet.append([value if value != "" else None for value in row])
        book.save(stream)
        stream.seek(0)
        while chunk := stream.read(1024 * 1024):
            yield chunk
