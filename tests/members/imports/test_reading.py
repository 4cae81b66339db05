"""A CSV file read in blocks, most of them as lines, says what one CSV reader over the whole of it says."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.engine.refusal import Refused
from members.files import reading
from members.files.reading import CsvRows, Layout, Lines, rows_of
from members.imports import staging

# Rows of two cells mostly, so that blocks of whole lines occur between the others.
_CELLS = st.sampled_from(["", "a", "b c", " d ", "é", "\\", "\t", "\0", '"q"', '"q\nr"', '"s,t"', 'u"v', '"open'])
_ROWS = st.lists(st.lists(_CELLS, min_size=2, max_size=2) | st.lists(_CELLS, max_size=3), max_size=12)
_ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def read(path, *, block: int, has_header: bool):
    """Everything reading the file gives, with ``block`` lines taken at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BATCH", block)
        rows = CsvRows(path, Layout("utf-8", ",", has_header))
        try:
            found = list(rows)
        except Refused as refused:
            # What came before it is not kept.
            return refused.code, refused.detail
        return found, rows.bad_rows, rows.rows_read, rows.header


@given(rows=_ROWS, end=_ENDS, last=st.booleans(), has_header=st.booleans(), block=st.integers(1, 4))
@example([["h", "i"], ["a", "b"], ["", ""], ["c", "d"]], "\r\n", False, True, 2)
@example([["h", "i"], ["a", "b"], ["c", "d"], ["e", "f"]], "\r", False, False, 2)
@example([["", ""], ["", "a"]], "\n", False, False, 1)
@example([['"open', '"q"'], ["", ""], ["h", "i"], ["", "a"]], "\n", False, True, 1)
@example([["", ""], ["h", "i"], ["a", "b"]], "\n", False, True, 1)
@example([["h", "i"], ["a", "b"], ["c", '"q\nr"'], ["d", "e"], ["f", "g"]], "\n", True, True, 1)
def test_blocks_of_any_size_read_the_same(tmp_path_factory, rows, end, last, has_header, block):
    path = tmp_path_factory.mktemp("csv") / "file.csv"
    text = end.join(",".join(row) for row in rows) + (end if last else "")
    path.write_text(text, encoding="utf-8", newline="")
    in_one = read(path, block=1_000, has_header=has_header)
    assert read(path, block=block, has_header=has_header) == in_one


def test_whole_lines_are_handed_on_as_they_stand(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BATCH", 2)
    path = tmp_path / "file.csv"
    path.write_text("h,i\n1,2\n3,4\n5,6\n7\n8,9\n" + '"10",11\n12,13\n', encoding="utf-8")
    rows = CsvRows(path, Layout("utf-8", ","))
    blocks = list(rows.blocks())
    assert [isinstance(block, Lines) for block in blocks] == [False, True, False, False]
    assert [number for block in blocks for number, _ in rows_of(block)] == [2, 3, 4, 6, 7, 8]
    assert [(bad.row_no, bad.code) for bad in rows.bad_rows] == [(5, "ragged")]


def test_lines_and_rows_are_copied_alike():
    lines = ["a,b", " c ,d\\", "e\tf,", "g,\0"]
    nulls_of_lines, nulls_of_rows = [], []
    for some in (lines[:1], lines):
        block = Lines(7, some, ",", 2)
        in_lines = staging._copied(block, [0, 1], nulls_of_lines)
        assert in_lines == staging._copied(rows_of(block), [0, 1], nulls_of_rows)
        assert staging._copied(block, [1], []) == staging._copied(rows_of(block), [1], [])
    assert nulls_of_lines == nulls_of_rows
    assert len(nulls_of_lines) == 1
    assert in_lines == ("7\ta\tb\n8\tc\td\\\\\n9\te\\tf\t\n", 4)
