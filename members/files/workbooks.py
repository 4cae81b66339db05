"""Rows of an XLSX sheet, streamed; and the guard that looks into the archive before anything opens it.

An XLSX file is a ZIP of XML. A few kilobytes can claim, or unfold into, gigabytes; so sizes are judged from the
directory first and then by unpacking every part once without keeping it.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from config.engine.refusal import Refused
from members.files.reading import (
    CHUNK,
    MAX_CELL_CHARS,
    MAX_COLUMNS,
    SAMPLE_ROWS,
    BadRow,
    Block,
    Preview,
    Row,
    in_blocks,
)

MAX_PARTS = 2_000
MAX_UNPACKED = 2 * 1024**3
# openpyxl keeps the shared strings in memory, several times their size.
MAX_STRINGS = 200 * 1024**2
# Real sheets pack 5 to 30 times; a bomb packs a thousand times.
MAX_RATIO = 150
RATIO_FROM = 10 * 1024**2
MAX_ROWS = 1_048_576


def guard(path: Path) -> None:
    """Raise Refused unless the archive is a workbook of bearable size, by its directory and by unpacking it."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS:
                raise Refused("zip_bomb", why="parts")
            if not any(part.filename == "xl/workbook.xml" for part in parts):
                raise Refused("not_a_workbook")
            _bearable(sum(part.file_size for part in parts), path)
            unpacked = 0
            for part in parts:
                unpacked = _unpack(archive, part, unpacked, path)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Refused("not_a_workbook") from error


def _unpack(archive: zipfile.ZipFile, part: zipfile.ZipInfo, unpacked: int, path: Path) -> int:
    size = 0
    with archive.open(part) as stream:
        while chunk := stream.read(CHUNK):
            # Entities unfold inside the parser, after every size was judged; workbooks have no use for them.
            if size == 0 and b"<!DOCTYPE" in chunk[:4096]:
                raise Refused("zip_bomb", why="entities")
            size += len(chunk)
            if part.filename.endswith("sharedStrings.xml") and size > MAX_STRINGS:
                raise Refused("zip_bomb", why="strings")
            _bearable(unpacked + size, path)
    return unpacked + size


def _bearable(unpacked: int, path: Path) -> None:
    ratio = unpacked / max(path.stat().st_size, 1)
    if unpacked > MAX_UNPACKED or (unpacked > RATIO_FROM and ratio > MAX_RATIO):
        raise Refused("zip_bomb", why="size")


def _open(path: Path) -> Any:
    guard(path)
    try:
        return load_workbook(path, read_only=True, data_only=False, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, TypeError, AttributeError, SyntaxError) as error:
        raise Refused("not_a_workbook") from error


def sheet_names(path: Path) -> list[str]:
    """The names of a workbook's sheets that hold cells, first to last. Raises Refused."""
    workbook = _open(path)
    try:
        names = [sheet.title for sheet in workbook.worksheets]
    finally:
        workbook.close()
    if not names:
        raise Refused("no_rows")
    return names


@dataclass
class SheetRows:
    """The data rows of one sheet as text, numbered as the sheet numbers them. See ``reading.CsvRows``."""

    path: Path
    sheet: str
    has_header: bool = True
    bad_rows: list[BadRow] = field(default_factory=list)
    rows_read: int = 0
    header: list[str] = field(default_factory=list)
    _share: float = 0.0

    def position(self) -> int:
        return int(self._share * self.path.stat().st_size)

    def __iter__(self) -> Iterator[Row]:
        workbook = _open(self.path)
        try:
            if self.sheet not in workbook.sheetnames:
                raise Refused("no_such_sheet", sheet=self.sheet)
            sheet = workbook[self.sheet]
            expected = max(sheet.max_row or 0, 1)
            yield from self._rows(sheet, expected)
        finally:
            workbook.close()

    def blocks(self) -> Iterator[Block]:
        """The rows, many at a time."""
        return in_blocks(self)

    def _rows(self, sheet: Any, expected: int) -> Iterator[Row]:
        width = 0
        for row_no, cells in enumerate(sheet.iter_rows(), 1):
            if row_no > MAX_ROWS:
                raise Refused("too_many_rows", limit=MAX_ROWS)
            self._share = min(row_no / expected, 1.0)
            texts = [_text(cell) for cell in cells]
            if not any(texts):
                continue
            if not width:
                width = len(texts) if not self.has_header else max(i for i, t in enumerate(texts, 1) if t)
                if width > MAX_COLUMNS:
                    raise Refused("too_many_columns", count=width, limit=MAX_COLUMNS)
                if self.has_header:
                    self.header = texts[:width]
                    continue
            self.rows_read += 1
            bad = self._judge(row_no, cells, texts, width)
            if bad:
                self.bad_rows.append(bad)
            else:
                yield row_no, (texts + [""] * width)[:width]

    def _judge(self, row_no: int, cells: Any, texts: list[str], width: int) -> BadRow | None:
        if any(texts[width:]):
            beyond = next(i for i, text in enumerate(texts) if i >= width and text)
            return BadRow(row_no, "ragged", detail=f"{beyond + 1}/{width}", value=texts[beyond][:200])
        for index, cell in enumerate(cells[:width]):
            # A formula's cached result may be stale or absent, so only values are taken.
            if getattr(cell, "data_type", "") == "f":
                return BadRow(row_no, "formula_cell", column_index=index, value=str(cell.value)[:200])
            if len(texts[index]) > MAX_CELL_CHARS:
                return BadRow(row_no, "cell_too_long", column_index=index, detail=str(MAX_CELL_CHARS))
        return None


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        # A day without a time is a day: midnight is how Excel stores one.
        return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def preview_sheet(path: Path, sheet: str, has_header: bool) -> Preview:
    """The header and first rows of a sheet. Raises Refused."""
    source = SheetRows(path, sheet, has_header)
    rows = [row for _, row in islice(source, SAMPLE_ROWS)]
    if not source.header and not rows:
        raise Refused("no_rows")
    return Preview(source.header or [str(i + 1) for i in range(len(rows[0]))], rows)
