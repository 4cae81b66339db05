"""An import's unlogged working tables, named by run, and the streams that fill them with COPY.

``raw`` holds the mapped cells as text; ``rows`` what they mean; ``terms`` the terms they call for. They vanish with the
run, and a crash of the database empties them: whoever needs them asks ``is_staged`` first.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from django.db import connection, transaction

from members.files.reading import BadRow, Block, Lines, Row, rows_of

# Rows a COPY statement takes before progress is told.
PART = 100_000

_SPECIAL = re.compile(r"[\\\n\r\t]")
# What tells that some cell of a batch has to be escaped, or has blanks around it.
_UNCLEAN = ("\\", "\r", "\0", " \t", "\t ", " \n")
_UNCLEAN_WIDE = ("\u3000\t", "\t\u3000", "\u3000\n", "\xa0\t", "\t\xa0", "\xa0\n")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def raw_table(run_id: int) -> str:
    return f"import_raw_{run_id:d}"


def rows_table(run_id: int) -> str:
    return f"import_rows_{run_id:d}"


def terms_table(run_id: int) -> str:
    return f"import_terms_{run_id:d}"


def drop(run_id: int) -> None:
    """Drop the working tables; again changes nothing."""
    with connection.cursor() as cursor:
        for table in (terms_table(run_id), rows_table(run_id), raw_table(run_id)):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")


def is_staged(run_id: int, rows_read: int, rejected: int) -> bool:
    """Whether the tables of a finished check are still there and whole: a crash of the database empties them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s), to_regclass(%s)", [raw_table(run_id), rows_table(run_id)])
        if None in cursor.fetchone():
            return False
        cursor.execute(f"SELECT count(*) FROM {rows_table(run_id)}")
        return cursor.fetchone()[0] >= rows_read - rejected


def stage(
    run_id: int, blocks: Iterable[Block], *, columns: Sequence[int], told: Callable[[int], None]
) -> tuple[int, list[BadRow]]:
    """Fill ``raw`` with the cells of ``columns``, trimmed, blank ones NULL, and return how many rows went in and those that hold a NUL.

    ``told`` hears the number of rows so far between COPY statements. Memory stays at one block.
    """
    names = ", ".join(f"c{index} text" for index in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {raw_table(run_id)}")
        # Read once and dropped: statistics and vacuum would cost more than they bring, ANALYZE runs by hand.
        cursor.execute(
            f"CREATE UNLOGGED TABLE {raw_table(run_id)} (row_no bigint NOT NULL, {names}) WITH (autovacuum_enabled = off)"
        )
        source, staged = iter(blocks), 0
        nulls: list[Any] = []
        copy_to = f"COPY {raw_table(run_id)} FROM STDIN WITH (NULL '')"
        while True:
            taken = 0
            # What stops the reading stops the COPY; in a transaction of its own that spoils nothing around it.
            with transaction.atomic(), cursor.copy(copy_to) as copy:
                while taken < PART and (block := next(source, None)) is not None:
                    text, count = _copied(block, columns, nulls)
                    copy.write(text)
                    taken += count
            staged += taken
            told(staged)
            if not taken:
                return staged, nulls


def _copied(block: Block, columns: Sequence[int], nulls: list[BadRow]) -> tuple[str, int]:
    """The COPY text of a block's rows, and how many they are."""
    if isinstance(block, Lines) and block.width == len(columns):
        numbered = enumerate(block.lines, block.first_row_no)
        lines = [f"{row_no}{block.delimiter}{line}" for row_no, line in numbered]
        text = ("\n".join(lines) + "\n").replace(block.delimiter, "\t")
    else:
        pick = itemgetter(*columns) if len(columns) > 1 else lambda row: (row[columns[0]],)
        lines = [f"{row_no}\t" + "\t".join(pick(row)) for row_no, row in rows_of(block)]
        text = "\n".join(lines) + "\n"
    # One look at the whole block: nearly always no cell needs trimming or escaping.
    is_clean = (
        text.count("\n") == len(lines)
        and text.count("\t") == len(lines) * len(columns)
        and not any(mark in text for mark in _UNCLEAN)
        and (text.isascii() or not any(mark in text for mark in _UNCLEAN_WIDE))
    )
    # Rows set aside leave the text empty at times; an empty write ends nothing and costs nothing.
    return (text if is_clean else "".join(_escaped(rows_of(block), columns, nulls))), len(lines)


def _escaped(batch: Iterable[Row], columns: Sequence[int], nulls: list[BadRow]) -> Iterator[str]:
    for row_no, row in batch:
        cells = [row[index].strip() for index in columns]
        bad = next((index for index in columns if "\0" in row[index]), None)
        if bad is not None:
            nulls.append(BadRow(row_no, "nul", column_index=bad, value=row[bad].replace("\0", "␀")[:200]))
            continue
        yield "\t".join((str(row_no), *(_SPECIAL.sub(_escape, cell) for cell in cells))) + "\n"


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES[match.group()]


def fetch_rows(run_id: int, row_numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The staged cells of a few rows as {row number: {"c3": text}}; empty once the tables are gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [raw_table(run_id)])
        if cursor.fetchone()[0] is None:
            return {}
        cursor.execute(f"SELECT * FROM {raw_table(run_id)} WHERE row_no = ANY(%s)", [list(row_numbers)])
        names = [column.name for column in cursor.description]
        return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
