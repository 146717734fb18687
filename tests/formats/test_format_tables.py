"""Text tables and Parquet are read strictly: a row that does not fit its header is set aside with its line, the rest is kept."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed, Misconfigured
from bedside.formats import tables
from bedside.formats.files import RawFile

_CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(list('",;|\n')), max_size=6)
_GRID = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(_CELL, min_size=width, max_size=width), max_size=6))
_SEPARATOR = st.sampled_from([",", ";", "\t", "|"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


def raw(folder: Path, data: bytes, name: str = "labs.csv") -> RawFile:
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return RawFile("ward", "tables", path, name, name)


def written(grid: list[list[str]], separator: str, newline: str, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=newline, quoting=quoting).writerows(grid)  # type: ignore[arg-type]
    return out.getvalue().encode()


@given(_GRID, _SEPARATOR, st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_a_table_is_read_as_the_csv_module_reads_it(
    folder: Path, grid: list[list[str]], mark: str, newline: str, quoting: int
) -> None:
    width = len(grid[0]) if grid else 2
    header = [f"c{i}" for i in range(width)]
    data = written([header, *grid], mark, newline, quoting)
    table = tables.read(raw(folder, data))
    assert not table.rejects
    assert [["" if cell is None else cell for cell in row] for row in table.frame.rows()] == grid
    assert tables.write(table) == data


@given(_GRID.filter(bool), _SEPARATOR, st.sampled_from(["\n", "\r\n"]))
def test_an_edited_table_keeps_its_dialect(folder: Path, grid: list[list[str]], mark: str, newline: str) -> None:
    header = [f"c{i}" for i in range(len(grid[0]))]
    table = tables.read(raw(folder, written([header, *grid], mark, newline)))
    edited = table.frame.with_columns(pl.lit("x").alias("c0"))
    again = tables.read(raw(folder, tables.write(table, edited), "again.csv"))
    assert again.frame.equals(edited)
    assert again.dialect == table.dialect


@given(st.binary(max_size=80) | st.text('ab,"\n\r;', max_size=60).map(str.encode))
def test_no_bytes_crash_a_table_and_every_line_is_accounted_for(folder: Path, noise: bytes) -> None:
    data = b"a,b\n" + noise
    try:
        table = tables.read(raw(folder, data))
    except Malformed:
        return
    assert len(table.lines) == table.frame.height
    assert sorted([*table.lines.tolist(), *(fault.line for fault in table.rejects)]) == sorted(
        {*table.lines.tolist(), *(fault.line for fault in table.rejects)}
    )
    rest = b"".join(fault.raw for fault in table.rejects) + tables.write(table)
    assert sorted(rest.replace(b"\r", b"").replace(b"\n", b"")) == sorted(data.replace(b"\r", b"").replace(b"\n", b""))


@given(st.lists(st.tuples(st.booleans(), _CELL), max_size=8), st.booleans())
def test_the_two_ways_of_cutting_rows_agree(folder: Path, rows: list[tuple[bool, str]], stray: bool) -> None:
    """A stray quote in a last line sends the whole file through the careful way: what came before must not change."""
    good = written([["a", "b"], *([cell, "x"] if fits else [cell] for fits, cell in rows)], ",", "\n")
    one = tables.read(raw(folder, good))
    two = tables.read(raw(folder, good + b'5" tube,y\n'))
    assert two.frame.rows() == [*one.frame.rows(), ('5" tube', "y")]
    assert two.rejects == one.rejects
    assert two.lines[:-1].tolist() == one.lines.tolist()


def test_a_row_with_too_few_or_too_many_fields_is_set_aside_with_its_line(folder: Path) -> None:
    table = tables.read(raw(folder, b"id,test,value\n1,Na,140\n2,K\n3,Cl,101,extra\n4,Glu,90\n"))
    assert table.frame["id"].to_list() == ["1", "4"]
    assert [(fault.line, fault.reason) for fault in table.rejects] == [
        (3, "row has 2 fields, the header has 3"), (4, "row has 4 fields, the header has 3")]  # fmt: skip
    assert table.lines.tolist() == [2, 5]
    assert table.place(1) == "line 5"
    assert tables.write(table) == b"id,test,value\n1,Na,140\n4,Glu,90\n"


def test_a_row_in_another_delimiter_is_set_aside(folder: Path) -> None:
    table = tables.read(raw(folder, b"id,value\n1,140\n2;141\n3,142\n"))
    assert [fault.line for fault in table.rejects] == [3]
    assert table.frame.height == 2


def test_a_file_cut_off_loses_its_last_row(folder: Path) -> None:
    table = tables.read(raw(folder, b"id,test,value\n1,Na,140\n2,K,4.1\n3,C"))
    assert [fault.line for fault in table.rejects] == [4]
    assert table.frame.height == 2


def test_a_line_number_counts_the_lines_inside_quotes(folder: Path) -> None:
    table = tables.read(raw(folder, b'id,note\n1,"first\nsecond"\n\n2,short\n3\n'))
    assert table.lines.tolist() == [2, 5]
    assert table.frame["note"].to_list() == ["first\nsecond", "short"]
    assert [fault.line for fault in table.rejects] == [6]


def test_a_quote_that_is_never_closed_costs_its_line_only(folder: Path) -> None:
    table = tables.read(raw(folder, b'id,note\n1,ok\n2,"never closed\n3,fine\n4,"closed"\n'))
    assert table.frame["id"].to_list() == ["1", "3", "4"]
    assert [(fault.line, fault.reason) for fault in table.rejects] == [(3, "quote is not closed, or closes inside a field")]


def test_an_inch_mark_inside_a_field_is_text(folder: Path) -> None:
    table = tables.read(raw(folder, b'id,item\n1,5" tube\n2,"a ""b"""\n'))
    assert table.frame["item"].to_list() == ['5" tube', 'a "b"']


def test_a_row_in_the_wrong_encoding_is_set_aside_unless_declared(folder: Path) -> None:
    data = "id,name\n1,Müller\n2,Smith\n".encode("latin-1")
    table = tables.read(raw(folder, data))
    assert [(fault.line, fault.reason) for fault in table.rejects] == [(2, "row is not text in UTF-8")]
    assert table.frame["name"].to_list() == ["Smith"]
    declared = tables.read(raw(folder, data), encoding="latin-1")
    assert declared.frame["name"].to_list() == ["Müller", "Smith"]
    assert tables.write(declared) == data
    assert tables.write(declared, declared.frame.head(1)) == "id,name\n1,Müller\n".encode("latin-1")


def test_a_nul_byte_costs_its_row(folder: Path) -> None:
    table = tables.read(raw(folder, b"id,name\n1,a\0b\n2,c\n"))
    assert [fault.reason for fault in table.rejects] == ["row holds NUL bytes"]


def test_a_byte_order_mark_is_no_part_of_the_first_column(folder: Path) -> None:
    data = b"\xef\xbb\xbfid,name\n1,a\n"
    table = tables.read(raw(folder, data))
    assert table.columns == ["id", "name"]
    assert tables.write(table) == data
    assert tables.write(table, table.frame.clear()) == b"\xef\xbb\xbfid,name\n"


def test_an_empty_field_is_null_and_a_quoted_one_is_empty_text(folder: Path) -> None:
    table = tables.read(raw(folder, b'a,b\n,x\n"",y\n'))
    assert table.frame["a"].to_list() == [None, ""]
    assert tables.dump(table.frame, table.dialect or tables.Dialect()) == b'a,b\n,x\n"",y\n'


@pytest.mark.parametrize(("name", "data", "separator"), [
    ("a.psv", b"HR|Temp\n80|36.6\n", "|"), ("a.tsv", b"HR\tTemp\n80\t36.6\n", "\t"), ("a.csv", b"HR;Temp\n80;36,6\n", ";"),
    ("a.csv.gz", b"HR,Temp\n80,36.6\n", ","), ("a.csv", b"HR\n80\n", ","), ("a.txt", b"HR|Temp|a,b\n80|36.6|c\n", "|"),
])  # fmt: skip
def test_the_separator_comes_from_the_name_and_the_header(folder: Path, name: str, data: bytes, separator: str) -> None:
    table = tables.read(raw(folder, data, name))
    assert table.dialect is not None
    assert table.dialect.separator == separator
    assert not table.rejects
    plain = gzip.decompress(tables.write(table)) if name.endswith(".gz") else tables.write(table)
    assert plain == data


def test_a_gzip_table_is_written_the_same_way_twice(folder: Path) -> None:
    table = tables.read(raw(folder, b"a,b\n1,2\n", "t.csv.gz"))
    assert tables.write(table) == tables.write(table)


def test_an_old_macintosh_file_is_read(folder: Path) -> None:
    table = tables.read(raw(folder, b"a,b\r1,2\r3\r"))
    assert table.frame.rows() == [("1", "2")]
    assert [fault.line for fault in table.rejects] == [3]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"a,a\n1,2\n", b"a,,b\n1,2,3\n", "a,b\n1,2\n".encode("utf-16"), b"a\0b\0\n"])
def test_what_has_no_header_is_no_table(folder: Path, data: bytes) -> None:
    with pytest.raises(Malformed):
        tables.read(raw(folder, data))


def test_a_declared_encoding_must_hold(folder: Path) -> None:
    with pytest.raises(Malformed, match="as declared"):
        tables.read(raw(folder, b"a,b\n\xff,1\n"), encoding="ascii")
    with pytest.raises(Misconfigured, match="no text encoding"):
        tables.read(raw(folder, b"a,b\n1,2\n"), encoding="klingon")


def test_a_header_alone_is_an_empty_table(folder: Path) -> None:
    table = tables.read(raw(folder, b"a,b\n"))
    assert (table.frame.height, table.columns) == (0, ["a", "b"])


def test_parquet_keeps_its_types_and_speaks_text_when_asked(folder: Path) -> None:
    frame = pl.DataFrame({"t": [datetime(2026, 1, 13, 10), None], "hr": [80.5, None], "n": [1, 2]})
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    table = tables.read(raw(folder, buffer.getvalue(), "v.parquet"))
    assert table.frame.equals(frame)
    assert table.text().rows() == [("2026-01-13T10:00:00.000000", "80.5", "1"), (None, None, "2")]
    assert table.place(1) == "row 2"
    assert tables.write(table) == buffer.getvalue()
    assert pl.read_parquet(io.BytesIO(tables.write(table, frame.head(1)))).equals(frame.head(1))


def test_a_damaged_parquet_file_is_one_clear_error(folder: Path) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"a": list(range(100))}).write_parquet(buffer)
    with pytest.raises(Malformed, match="Parquet"):
        tables.read(raw(folder, buffer.getvalue()[:-30], "v.parquet"))


def test_a_truncated_gzip_table_is_one_clear_error(folder: Path) -> None:
    file = raw(folder, b"a,b\n" + b"1,2\n" * 1000, "t.csv.gz")
    file.path.write_bytes(file.path.read_bytes()[:-20])
    with pytest.raises(Malformed, match="gzip"):
        tables.read(file)


def test_every_table_of_the_mimic_demo_is_read_whole(shared_data: Path) -> None:
    rows = {}
    for path in sorted((shared_data / "dataeng" / "mimic-iv-demo-2.2").rglob("*.csv.gz")):
        table = tables.read(RawFile("mimic", "tables", path, path.name, path.name))
        assert not table.rejects
        rows[path.name] = table.frame.height
        assert np.all(np.diff(table.lines) > 0)
    assert (rows["labevents.csv.gz"], rows["patients.csv.gz"], rows["admissions.csv.gz"]) == (107_727, 100, 275)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le"])
def test_the_encoding_that_a_source_declares_is_the_encoding_of_its_file(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes("id,name\n1,Zo\xeb\n".encode(encoding))
    table = tables.read(RawFile("ward", "tables", path, "a.csv", "a.csv", encoding))
    assert (table.frame["name"].to_list(), table.rejects) == (["Zo\xeb"], [])
    assert tables.write(table) == path.read_bytes()


@pytest.mark.parametrize(
    ("data", "columns", "rows"),
    [
        (b"Anna Smith,1930-01-02,7.5\nJo Long,1931-02-03,8.1\n", 3, 2),
        (b"\xef\xbb\xbf5.1|3.5|M|\r\n4.9|3.0|M|x\r\n", 4, 2),
        (b"70707071;01.02.1930;x\n80808081;02.03.1931;y\n1;2\n", 3, 2),
        (b"2026-01-02,a@b.example\n", 2, 1),
    ],
)
def test_a_table_whose_first_line_is_a_record_gets_names_and_loses_no_row(folder: Path, data: bytes, columns: int, rows: int) -> None:
    table = tables.read(raw(folder, data))
    assert table.columns == [f"column_{at + 1}" for at in range(columns)]
    assert (table.frame.height, table.place(0)) == (rows, "line 1")
    assert [fault.line for fault in table.rejects] == ([3] if b"1;2" in data else [])
    again = tables.read(raw(folder, tables.write(table), "again.csv"))
    assert again.frame.equals(table.frame)


@pytest.mark.parametrize(
    "data",
    [
        b"id,2019,2020,2021\nA,1234,2345,3456\nB,1235,2346,3457\n", b"0,1,2\n5,6,7\n8,9,1\n", b"name,1950-01-02\nAnna,3.5\n", b"mrn,born\n70707071,1930-01-02\n", b"a\n1\n", b"a,b\n",
        b"gene,70707071,80808081\nx,5,6\n", b"given,family\nAnna,Long\n", b"ICD10,DRG470\nE11.9,470\n",
    ],
)  # fmt: skip
def test_names_that_are_numbers_or_dates_stay_names(folder: Path, data: bytes) -> None:
    assert tables.read(raw(folder, data)).columns == data.split(b"\n")[0].decode().split(",")


def test_every_type_of_a_parquet_file_has_a_text(folder: Path) -> None:
    from datetime import time, timedelta

    frame = pl.DataFrame({"a": [["x", None]], "b": [{"p": 1, "q": ["y"]}], "c": [b"z"], "d": [timedelta(hours=2)], "e": [time(8)], "f": [[[1]]]})
    frame.write_parquet(folder / "t.parquet")
    assert tables.read(RawFile("w", "tables", folder / "t.parquet", "t.parquet", "t.parquet")).text().row(0) == ("x", "1 y", None, "PT2H", "08:00:00", "1")


def test_the_row_numbers_that_a_data_frame_writes_need_no_name(folder: Path) -> None:
    data = b",mrn,value\n0,70707071,4.2\n1,80808081,5.1\n"
    table = tables.read(raw(folder, data))
    assert (table.columns, table.frame.height) == (["column_1", "mrn", "value"], 2)
    assert tables.write(table) == data
