"""A list of members as someone brings it: one entry a line, or one column of a table that names its columns."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from config.engine.refusal import Refused
from members.files.mapping import MEMBER_FIELDS, guess, plain_name
from members.files.reading import CsvRows, Layout, guess_delimiter, scan
from members.files.workbooks import SheetRows, sheet_names
from members.people.rules import normalise_identity

MAX_LINES = 1_000_000
MAX_ENTRY = 200
_BETWEEN = re.compile(r"[\s,，;；、]+")
# Headers under which an export or a person writes our own number.
_NUMBER_HEADERS = {plain_name(name) for name in ("Member number", "会员序号", "number")}
_FIELDS = [field for field in MEMBER_FIELDS if field.name in ("external_id", "phone", "email")]


def lines_of(text: str) -> str:
    """Pasted text with one entry a line: blanks, commas and semicolons all part entries."""
    return "\n".join(entry for entry in _BETWEEN.split(text.replace('"', "")) if entry)


class ListRows:
    """The entries of a file as (row number, normalised entry), blank ones left out. Raises Refused.

    A first row that names columns is no entry; of several columns the one of the ``kind`` is read, else the first.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.kind = kind
        found = scan(path)
        self._rows: CsvRows | SheetRows
        if found.format == "xlsx":
            self._rows = SheetRows(path, sheet_names(path)[0], has_header=False)
        else:
            layout = Layout(found.encoding, guess_delimiter(path, found.encoding), has_header=False)
            self._rows = CsvRows(path, layout)

    def position(self) -> int:
        """Bytes read so far."""
        return self._rows.position()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        rows = iter(self._rows)
        first = next(rows, None)
        if first is None:
            raise Refused("no_rows")
        column, is_header = self._column(first[1])
        seen = 0
        for row_no, row in rows if is_header else chain([first], rows):
            if entry := self._normalised(row[column]):
                seen += 1
                yield row_no, entry
            while self._rows.bad_rows:
                # A row that cannot be taken apart names nobody, and is shown as such.
                bad = self._rows.bad_rows.pop()
                seen += 1
                yield bad.row_no, bad.value.replace("\0", "")[:MAX_ENTRY]
            if seen > MAX_LINES:
                raise Refused("too_many_rows", limit=MAX_LINES)

    def _column(self, first: list[str]) -> tuple[int, bool]:
        """Which column holds the entries, and whether the first row only names it."""
        fields = guess(first, _FIELDS)
        numbers = [plain_name(cell) in _NUMBER_HEADERS for cell in first]
        named = numbers if self.kind == "number" else [field == self.kind for field in fields]
        return (named.index(True) if any(named) else 0), any(fields) or any(numbers)

    def _normalised(self, cell: str) -> str:
        return normalise_identity(self.kind, cell.replace("\0", ""))[:MAX_ENTRY]
