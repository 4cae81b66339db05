"""CSV as it leaves the house: UTF-8 with a byte order mark for Excel, and no cell that a spreadsheet would run.

Formula safety after OWASP "CSV Injection": a text that begins with = + - @, a tab, a carriage return or a line feed,
or their full-width forms, gets a leading single quote. Numbers and dates are ours and stay as they are.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from members.people.rules import end_for_people

BOM = "\ufeff"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BATCH = 1_000


def safe_text(text: str) -> str:
    """``text`` so that no spreadsheet takes it for a formula."""
    return "'" + text if text.startswith(_DANGEROUS) else text


def cell(value: Any) -> Any:
    """One value as it stands in a file: instants in the project's time zone to the second, blanks for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, datetime):
        return f"{value.astimezone(ZoneInfo(settings.PROJECT_TIME_ZONE)):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    return safe_text(str(value))


def written_end(end: datetime | None) -> datetime | date | None:
    """An end as a file says it and is read again: the last day where it ends at a midnight, else the instant.

    A midnight is the project's, as instants stand in files: people read "2026-12-09 00:00" as the 9th, not the 8th.
    """
    return end_for_people(end, settings.PROJECT_TIME_ZONE) if end else None


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """The rows of finished cells (see ``cell``) as CSV, streamed a thousand at a time; memory stays at that."""
    writer = csv.writer(_Echo())
    batch = [BOM]
    for row in rows:
        batch.append(writer.writerow(row))
        if len(batch) >= _BATCH:
            yield "".join(batch).encode()
            batch = []
    yield "".join(batch).encode()
