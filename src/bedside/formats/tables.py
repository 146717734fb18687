"""Tables: CSV, TSV, PSV (gzip or not) and Parquet to frames and back, in the dialect that they came in.

In        a text table with a header line, or a Parquet file
Out       `Table`: a frame (all String for text, native types for Parquet), the line each row began on, the dialect,
          and every row that could not be taken, with its line and reason
Source    RFC 4180, read strictly: as many fields as the header has, a quote only around a whole field, doubled inside.
          An empty field is null; a quoted empty field is the empty text.
Header    a table whose first line is a record has columns column_1, column_2, ... (`headers.py`)
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl

from bedside.core.errors import Malformed, Misconfigured
from bedside.formats._rows import Fault, Marks, Rows, scan
from bedside.formats.files import RawFile, pack
from bedside.formats.headers import made_up

if TYPE_CHECKING:
    import numpy.typing as npt

_BOM = b"\xef\xbb\xbf"
_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|"}


class Dialect(msgspec.Struct, frozen=True):
    """How a text table is written. `quoting` "all" when every field of the first rows stands in quotes.

    encoding   utf-8, or what study.toml declares; never guessed
    """

    separator: str = ","
    quote: str = '"'
    newline: str = "\n"
    quoting: str = "needed"
    bom: bool = False
    encoding: str = "utf-8"
    last_newline: bool = True


class Table:
    """One table. `frame` holds the rows that were taken, `rejects` those that were not, `lines` where each row began.

    dialect   None for Parquet, whose `lines` are row numbers
    """

    __slots__ = ("_file", "_kept", "dialect", "frame", "lines", "rejects")

    def __init__(self, file: RawFile, frame: pl.DataFrame, lines: npt.NDArray[np.int64], rejects: list[Fault],
                 dialect: Dialect | None, kept: bytes | None) -> None:  # fmt: skip
        self._file, self._kept = file, kept
        self.frame, self.lines, self.rejects, self.dialect = frame, lines, rejects, dialect

    @property
    def columns(self) -> list[str]:
        """Column names, as written in the header."""
        return self.frame.columns

    def place(self, row: int) -> str:
        """Where a row of the frame stands in the file: "line 12", for Parquet "row 12"."""
        return f"{'line' if self.dialect else 'row'} {self.lines[row]}"

    def text(self) -> pl.DataFrame:
        """The frame with every column as text; a Parquet time becomes ISO text, a number its shortest spelling."""
        return self.frame if self.dialect else self.frame.select(_as_text(name, kind) for name, kind in self.frame.schema.items())


def read(file: RawFile, *, encoding: str | None = None, quote: str = '"') -> Table:
    """The table in a file. A row with too many or too few fields is rejected with its line, and reading goes on.

    Raises `Malformed` when there is no table to read: no header, a column named twice, UTF-16, a broken Parquet file.
    """
    where = f"{file.source}/{file.alias}"
    if file.relative.endswith((".parquet", ".pq")):
        return _read_parquet(file, where)
    return _read_text(file, file.read(), where, encoding or file.encoding, quote)


def write(table: Table, frame: pl.DataFrame | None = None) -> bytes:
    """The file's bytes with `frame` in place of its rows, gzip again when it came so.

    An unedited frame gives the same bytes (of the uncompressed text), less the rows that were rejected.
    """
    new = table.frame if frame is None else frame
    if table.dialect is None:
        return table._file.read() if new is table.frame or new.equals(table.frame) else _parquet_bytes(new)
    same = new is table.frame or (new.columns == table.columns and new.equals(table.frame))
    plain = table._kept if same and table._kept is not None else dump(new, table.dialect)
    return pack(plain, table._file.relative)


def dump(frame: pl.DataFrame, dialect: Dialect) -> bytes:
    """A frame as text in a dialect; null is an empty field, empty text a quoted one."""
    text = frame.write_csv(
        None, separator=dialect.separator, quote_char=dialect.quote, line_terminator=dialect.newline,
        quote_style="always" if dialect.quoting == "all" else "necessary", include_header=True,
    )  # fmt: skip
    if not dialect.last_newline:
        text = text.removesuffix(dialect.newline)
    try:
        return (_BOM if dialect.bom else b"") + text.encode(dialect.encoding)
    except UnicodeEncodeError:
        raise Malformed(f"new text cannot be written in {dialect.encoding}", where="table",
                        do='declare encoding = "utf-8"') from None  # fmt: skip


def _read_text(file: RawFile, data: bytes, where: str, encoding: str, quote: str) -> Table:
    body = _utf8(data.removeprefix(_BOM), encoding, where)
    dialect = _dialect(file, body, data.startswith(_BOM), encoding, quote)
    marks = _marks(dialect)
    names = made_up(body, marks)
    body = names + body
    rows = scan(body, marks)
    rows.header = _whole_header(rows.header, where)
    frame = _frame(rows, dialect)
    if frame is None:
        rows = scan(body, marks, careful=True)
        frame = pl.DataFrame(rows.cut, schema=dict.fromkeys(rows.header, pl.String()), orient="row")
    whole = len(rows.kept) == len(body) and not names
    kept = data if whole else (_BOM if dialect.bom else b"") + rows.kept.decode().encode(encoding)
    if names:  # it stands on no line of the file
        rows.lines, rows.faults = rows.lines - 1, [fault._replace(line=fault.line - 1) for fault in rows.faults]
    return Table(file, frame, rows.lines, rows.faults, dialect, kept)


def _marks(dialect: Dialect) -> Marks:
    return Marks(ord(dialect.separator), ord(dialect.quote), 0x0D if dialect.newline == "\r" else 0x0A)


def header_for(file: RawFile, head: bytes) -> bytes:
    """The header line of a table that has none, b"" where it has one: for a part of it that does not begin at its beginning.

    head   the first bytes of the table, as they stand in the file
    """
    body = head.removeprefix(_BOM).decode(file.encoding, "replace").encode()
    return made_up(body, _marks(_dialect(file, body, bom=False, encoding=file.encoding, quote='"'))).decode().encode(file.encoding)


def _utf8(data: bytes, encoding: str, where: str) -> bytes:
    """The text as UTF-8. Undeclared, it must be UTF-8 already, row by row; a declared encoding must hold for all of it."""
    wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    if not wide and (data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]):
        raise Malformed(
            "the file is UTF-16, or not text",
            where=where,
            do="declare encoding for the source in study.toml, or convert it to UTF-8",
        )
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        return data
    try:
        return data.decode(encoding).encode()
    except UnicodeDecodeError:
        raise Malformed(
            f"the file is not {encoding}, as declared", where=where, do="correct encoding of the source in study.toml"
        ) from None
    except LookupError:
        raise Misconfigured(f"no text encoding called {encoding!r}", where=where, do='use "utf-8" or "latin-1"') from None


def _dialect(file: RawFile, body: bytes, bom: bool, encoding: str, quote: str) -> Dialect:
    newline = "\r\n" if b"\r\n" in body[: 1 << 16] else "\n" if b"\n" in body or b"\r" not in body else "\r"
    lines = [line for line in body[: 1 << 16].decode("utf-8", "replace").split(newline)[:10] if line]
    separator = _separator(lines[0] if lines else "", file.relative.removesuffix(".gz"))
    quoting = "all" if len(lines) > 1 and all(_all_quoted(line, separator, quote) for line in lines[:2]) else "needed"
    return Dialect(separator, quote, newline, quoting, bom, encoding, body.endswith((b"\n", b"\r")))


def _separator(header: str, name: str) -> str:
    """What the file's name says when the header holds it, else the commonest candidate in the header."""
    named = _SEPARATORS.get(name[name.rfind(".") :].lower())
    if named and named in header:
        return named
    counts = {mark: header.count(mark) for mark in (named or ",", ",", ";", "|", "\t")}
    return max(counts, key=lambda mark: counts[mark])


def _all_quoted(line: str, separator: str, quote: str) -> bool:
    fields = line.split(quote + separator + quote)
    return len(line) > 1 and line[0] == line[-1] == quote and separator not in "".join(fields) and len(fields) > 0


def _whole_header(header: list[str], where: str) -> list[str]:
    """The names of the columns; a first column without one, as data frames write their row numbers, is column_1."""
    if not any(header):
        raise Malformed("the table has no header line", where=f"{where}, line 1", do="export the table with its column names")
    names = [header[0] or "column_1", *header[1:]]
    if "" in names:
        raise Malformed("a column has no name", where=f"{where}, line 1, column {names.index('') + 1}", do="name every column")
    if len(set(names)) != len(names):
        twice = next(i for i, name in enumerate(names) if name in names[:i])
        raise Malformed("a column name stands twice", where=f"{where}, line 1, column {twice + 1}", do="name each column once")
    return names


def _frame(rows: Rows, dialect: Dialect) -> pl.DataFrame | None:
    """The rows as text columns; None when polars cuts them otherwise than they were counted."""
    schema = pl.Schema(dict.fromkeys(rows.header, pl.String()))
    if rows.clean is None:
        return pl.DataFrame(rows.cut, schema=schema, orient="row")
    if not rows.clean.strip(b"\r\n"):
        return pl.DataFrame(schema=schema)
    try:
        frame = _cut(rows.clean, dialect, schema)
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == len(rows.lines) else None


def _cut(clean: bytes, dialect: Dialect, schema: pl.Schema) -> pl.DataFrame:
    quote = dialect.quote if dialect.quote.encode() in clean else None
    return pl.read_csv(
        BytesIO(clean), has_header=False, schema=schema, separator=dialect.separator, quote_char=quote,
        eol_char="\r" if dialect.newline == "\r" else "\n", infer_schema=False, raise_if_empty=False,
    )  # fmt: skip


def _read_parquet(file: RawFile, where: str) -> Table:
    try:
        frame = pl.read_parquet(file.path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Malformed(f"Parquet file is damaged or cut off ({type(error).__name__})", where=where,
                        do="fetch the file again from its sender") from None  # fmt: skip
    return Table(file, frame, np.arange(1, frame.height + 1, dtype=np.int64), [], None, None)


def _parquet_bytes(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, (pl.Datetime, pl.Duration)):
        return column.dt.to_string("iso:strict" if isinstance(kind, pl.Datetime) else "iso")
    if kind.is_nested():
        return column.map_elements(_said, return_dtype=pl.String)
    if kind in (pl.Binary, pl.Object):
        return pl.lit(None, dtype=pl.String).alias(name)
    return column.cast(pl.String)


def _said(cell: object) -> str:
    """Lists and records as the texts and numbers in them, bytes left out."""
    if isinstance(cell, pl.Series):
        cell = cell.to_list()
    if isinstance(cell, dict):
        cell = list(cell.values())
    if isinstance(cell, (list, tuple)):
        return " ".join(said for one in cell if (said := _said(one)))
    return "" if cell is None or isinstance(cell, bytes) else str(cell)
