"""From bytes to rows: what a file is, how it is encoded and separated, and its rows one at a time.

Nothing here holds more than one row, one chunk or a preview in memory.
"""

import codecs
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, count, islice, repeat
from pathlib import Path
from typing import BinaryIO, cast

from config.engine.refusal import Refused

CHUNK = 1024 * 1024
# A cell longer than this is no member's datum; usually a quote was opened and never closed.
MAX_CELL_CHARS = 128 * 1024
MAX_COLUMNS = 500
MAX_LINE_BYTES = 64 * 1024 * 1024
SAMPLE_ROWS = 8
# Rows parsed at a time; what holds for all of them is judged once.
BATCH = 2_000
SAMPLE_LINES = 60

ENCODINGS = ("utf-8", "gb18030", "utf-16", "big5", "cp1252")
DELIMITERS = (",", ";", "\t", "|", " ")

_SIGNATURES = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"\x1f\x8b", "gzip"),
    (b"\x7fELF", "ELF"),
    (b"SQLite format 3", "SQLite"),
)
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class Scan:
    """What one pass over a file's bytes found."""

    sha256: str
    size: int
    format: str
    encoding: str
    first_bad_line: int | None = None


@dataclass(frozen=True)
class Layout:
    """How the file is read: confirmed by a person before anything is checked."""

    encoding: str
    delimiter: str
    has_header: bool = True


@dataclass(frozen=True)
class BadRow:
    """A row that could not be taken apart: its number, what is wrong, and the cell or row as far as it is known."""

    row_no: int
    code: str
    column_index: int | None = None
    value: str = ""
    detail: str = ""


Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Lines:
    """Whole rows that follow one another, one a line, in none of which anything is quoted."""

    first_row_no: int
    lines: list[str]
    delimiter: str
    width: int


# Rows as they are handed on, many at a time: as lines where none need be taken apart to be understood.
Block = Lines | list[Row]


def rows_of(block: Block) -> list[Row]:
    """The rows of a block, taken apart."""
    if isinstance(block, Lines):
        return [(row_no, line.split(block.delimiter)) for row_no, line in enumerate(block.lines, block.first_row_no)]
    return block


def in_blocks(rows: Iterable[Row]) -> Iterator[Block]:
    """Rows that come one by one, handed on ``BATCH`` at a time."""
    source = iter(rows)
    while batch := list(islice(source, BATCH)):
        yield batch


def scan(path: Path) -> Scan:
    """Hash a file and find its format and encoding in one pass; memory stays at one chunk.

    Strict UTF-8 first, then GB18030; UTF-16 by its byte order mark. Raises Refused for what is no table.
    """
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        head = stream.read(16)
        stream.seek(0)
        if not head:
            raise Refused("empty_file")
        _refuse_other_formats(head)
        if head.startswith(_ZIP):
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
            return Scan(digest.hexdigest(), size, "xlsx", "")
        encoding, bad_line, size = _find_encoding(stream, head, digest)
    return Scan(digest.hexdigest(), size, "csv", encoding, bad_line)


def _refuse_other_formats(head: bytes) -> None:
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            raise Refused("not_a_table", kind=name)
    if head.startswith(_OLE):
        raise Refused("old_excel")


class _Candidate:
    """One encoding under trial: it stays alive until a byte does not fit."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.decoder = codecs.getincrementaldecoder(name)("strict")
        self.alive = True
        self.lines = 1
        self.bad_line: int | None = None

    def feed(self, chunk: bytes, final: bool = False) -> None:
        if not self.alive:
            return
        try:
            self.lines += self.decoder.decode(chunk, final).count("\n")
        except UnicodeDecodeError as error:
            self.alive = False
            self.bad_line = self.lines + chunk[: error.start].count(b"\n")


def _find_encoding(stream: BinaryIO, head: bytes, digest: "hashlib._Hash") -> tuple[str, int | None, int]:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = [_Candidate("utf-16")]
    else:
        candidates = [_Candidate("utf-8"), _Candidate("gb18030")]
    size, line_bytes = 0, 0
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        line_bytes = len(chunk) - chunk.rfind(b"\n") - 1 if b"\n" in chunk else line_bytes + len(chunk)
        if line_bytes > MAX_LINE_BYTES:
            raise Refused("no_lines")
        candidates[0].feed(chunk)
        # GB18030 is only asked once UTF-8 has failed, from the start of the file.
        if not candidates[0].alive:
            break
    else:
        candidates[0].feed(b"", final=True)
    if candidates[0].alive:
        return candidates[0].name, None, size
    bad_line = candidates[0].bad_line
    return _try_gb18030(stream, candidates[1:], digest, size, bad_line)


def _try_gb18030(
    stream: BinaryIO, candidates: list[_Candidate], digest: "hashlib._Hash", size: int, bad_line: int | None
) -> tuple[str, int | None, int]:
    if not candidates:
        raise Refused("wrong_encoding", line=bad_line)
    read_so_far, (candidate,) = size, candidates
    stream.seek(0)
    position = 0
    while chunk := stream.read(CHUNK):
        candidate.feed(chunk)
        position += len(chunk)
        if position > read_so_far:
            digest.update(chunk)
            size += len(chunk)
    candidate.feed(b"", final=True)
    if not candidate.alive:
        raise Refused("wrong_encoding", line=bad_line)
    return candidate.name, bad_line, size


def guess_delimiter(path: Path, encoding: str) -> str:
    """The separator that cuts the first lines into the most columns of the same number."""
    with _open_text(path, encoding) as text:
        lines = [line[:MAX_CELL_CHARS] for line in islice(text, SAMPLE_LINES)]
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = [len(row) for row in _forgiving(lines, delimiter) if row]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        score = (widths.count(usual) / len(widths), usual)
        if (
            usual > 1 and score[0] > 0.5 and (score[1], score[0]) > (best_score[1], best_score[0]) and delimiter != " "
        ) or (delimiter == " " and best_score == (0.0, 0) and usual > 1 and score[0] > 0.9):
            best, best_score = delimiter, score
    return best


def looks_like_header(path: Path, layout: Layout) -> bool:
    """Whether the first row names columns: some cell of it has a letter."""
    with _open_text(path, layout.encoding) as text:
        first = next(_forgiving([line[:MAX_CELL_CHARS] for line in islice(text, 1)], layout.delimiter), [])
    return any(character.isalpha() for cell in first for character in cell)


def _forgiving(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter == " ")
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            continue


def _open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    # utf-8-sig drops a byte order mark and is plain UTF-8 without one; utf-16 needs and drops its own.
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    return io.TextIOWrapper(path.open("rb", buffering=CHUNK), encoding=codec, errors="strict", newline="")


@dataclass
class CsvRows:
    """The data rows of a CSV file, numbered as a spreadsheet shows them (the header is row 1).

    Iterating yields whole rows, ``blocks`` many of them at a time; those that cannot be taken apart go to ``bad_rows``,
    which the caller empties. Raises Refused for what makes the rest of the file unreadable.
    """

    path: Path
    layout: Layout
    bad_rows: list[BadRow] = field(default_factory=list)
    rows_read: int = 0
    header: list[str] = field(default_factory=list)

    _position: int = 0
    _width: int = 0
    # Rows and lines met so far, of whatever kind.
    _row_no: int = 0
    _line_no: int = 0

    def __iter__(self) -> Iterator[Row]:
        for block in self.blocks():
            yield from rows_of(block)

    def position(self) -> int:
        """Bytes read so far."""
        return self._position

    def blocks(self) -> Iterator[Block]:
        """The rows, many at a time."""
        with _open_text(self.path, self.layout.encoding) as text:
            try:
                yield from self._blocks(text)
            except UnicodeDecodeError as error:
                raise Refused("wrong_encoding", line=self.rows_read + 2, chosen=self.layout.encoding) from error

    def _blocks(self, text: io.TextIOWrapper) -> Iterator[Block]:
        while lines := list(islice(text, BATCH)):
            together = "".join(lines)
            if '"' in together:
                # What is quoted may hold line ends: where a row ends is known to one reader of all that follows.
                yield from self._rows(chain(lines, text), text)
            elif whole := self._whole(lines, together):
                first_row_no = self._row_no + 1
                self.rows_read += len(whole)
                self._row_no += len(whole)
                self._line_no += len(whole)
                yield Lines(first_row_no, whole, self.layout.delimiter, self._width)
            else:
                yield from self._rows(lines, text)
            self._tell(text)

    def _tell(self, text: io.TextIOWrapper) -> None:
        self._position = cast("BinaryIO", text.buffer).tell()

    def _whole(self, lines: list[str], together: str) -> list[str]:
        """The lines without their ends if each is a whole row as it stands, else none. Nothing in them is quoted."""
        delimiter = self.layout.delimiter
        # A blank line is no row, and looks like one of a single column.
        if not self.rows_read or self._width < 2 or delimiter == " ":
            return []
        plain = together.replace("\r\n", "\n")
        is_whole = set(map(str.count, lines, repeat(delimiter))) == {self._width - 1}
        if not is_whole or "\r" in plain or max(map(len, lines)) > MAX_CELL_CHARS:
            return []
        return plain.removesuffix("\n").split("\n")

    def _rows(self, source: Iterable[str], text: io.TextIOWrapper) -> Iterator[Block]:
        delimiter = self.layout.delimiter
        reader = csv.reader(source, delimiter=delimiter, skipinitialspace=delimiter == " ", strict=True)
        before, error = self._line_no, None
        while True:
            first_line = before + reader.line_num + 1
            batch: list[list[str]] = []
            try:
                # What was read before an error stays in the list.
                batch.extend(islice(reader, BATCH))
            except csv.Error as caught:
                error = caught
            self._line_no = before + reader.line_num
            empty, is_begun = 0, bool(self._width)
            if not is_begun:
                # What stands before the first row that says anything is none, however many cells it has.
                empty = next((place for place, row in enumerate(batch) if any(row)), len(batch))
                self._width = self._begin(batch[empty]) if empty < len(batch) else 0
            if is_begun and self._width > 1 and delimiter != " " and set(map(len, batch)) == {self._width}:
                self.rows_read += len(batch)
                yield list(zip(count(self._row_no + 1), batch))
            elif judged := list(self._judged(batch[empty:], self._row_no + empty + 1)):
                yield judged
            self._row_no += len(batch)
            self._tell(text)
            if error:
                self._row_no += 1
                self._bad_record(error, first_line + sum(map(_lines_of, batch)))
                error = None
            elif len(batch) < BATCH:
                return

    def _begin(self, first: list[str]) -> int:
        """Take the header, or the first row's width where there is none."""
        if self.layout.delimiter == " " and first[-1] == "":
            first.pop()
        if len(first) > MAX_COLUMNS:
            raise Refused("too_many_columns", count=len(first), limit=MAX_COLUMNS)
        if self.layout.has_header:
            self.header = first
        return len(first)

    def _judged(self, batch: list[list[str]], first_row_no: int) -> Iterator[Row]:
        """The whole rows of a batch that also holds the header, blank rows or ragged ones."""
        delimiter = self.layout.delimiter
        for number, row in enumerate(batch, first_row_no):
            if (not any(row) and (len(row) <= 1 or delimiter == " ")) or row is self.header:
                continue
            if delimiter == " " and row[-1] == "":
                row.pop()
            self.rows_read += 1
            if len(row) == self._width:
                yield number, row
            else:
                shown = delimiter.join(row)[:200]
                self.bad_rows.append(BadRow(number, "ragged", detail=f"{len(row)}/{self._width}", value=shown))

    def _bad_record(self, error: csv.Error, first_line: int) -> None:
        """Tell an unclosed quote, which swallows what follows, from one bad row, which is set aside."""
        message = str(error)
        if self._line_no > first_line or "unexpected end of data" in message:
            raise Refused("unclosed_quote", line=first_line) from error
        self.rows_read += 1
        if "field larger than field limit" in message:
            self.bad_rows.append(BadRow(self._row_no, "cell_too_long", detail=str(MAX_CELL_CHARS)))
        else:
            self.bad_rows.append(BadRow(self._row_no, "stray_quote"))


def _lines_of(row: list[str]) -> int:
    return 1 + sum(cell.count("\n") for cell in row)


@dataclass(frozen=True)
class Preview:
    """The header and first rows of a file, for a person to judge."""

    header: list[str]
    rows: list[list[str]]


def preview_csv(path: Path, layout: Layout) -> Preview:
    """The first rows as ``layout`` reads them. Raises Refused as reading does."""
    source = CsvRows(path, layout)
    rows = [row for _, row in islice(source, SAMPLE_ROWS)]
    if not source.header and not rows:
        raise Refused("no_rows")
    header = source.header or [str(i + 1) for i in range(len(rows[0]))]
    return Preview([name.replace("\0", "").strip() for name in header], rows)
