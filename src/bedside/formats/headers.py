"""Whether a text table begins with the names of its columns, or with a record: a record must never pass for names.

In        the first lines of a table, and the signs that cut it
Out       names for its columns, one line, where it has none; nothing where it has
Rule      a table has no header where a field of its first line is a date, a number, a code, a phone or an e-mail address as those below it are, and
          no field of it is a word above such. Numbers that count up ("2019, 2020, 2021") are names.
"""

from __future__ import annotations

import re
from itertools import pairwise

from bedside.formats._rows import Marks, cut_row

_ROWS, _SAME, _DATA = 30, 0.6, 0.8
_OURS = re.compile(r"column_\d+\Z")
_KINDS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("date", r"\d{4}-\d{2}-\d{2}(?:[T ].*)?\Z|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}(?: .*)?\Z|\d{1,2}-[A-Za-z]{3}-\d{2,4}\Z"),
        ("email", r"[\w.+-]+@[\w-]+\.[\w.-]+\Z"),
        ("number", r"[+-]?\d+(?:[.,]\d+)?\Z"),
        ("phone", r"\+?\(?\d[\d ().-]{6,}\d\Z"),
        ("code", r"(?=(?:.*\d){3})[A-Za-z0-9][\w./-]{3,}\Z"),
    )
)
_CERTAIN = frozenset({"date", "email", "phone"})


def made_up(body: bytes, marks: Marks) -> bytes:
    """A header line for a table that has none, b"" where its first line is one.

    body   the table from its first line on, in UTF-8, without byte order mark

    >>> made_up(b"Anna Smith,1930-01-02,7.5\\nJo Long,1931-02-03,8.1\\n", Marks(0x2C, 0x22, 0x0A))
    b'column_1,column_2,column_3\\n'
    >>> made_up(b"name,born,value\\nAnna Smith,1930-01-02,7.5\\n", Marks(0x2C, 0x22, 0x0A))
    b''
    """
    rows = _beginning(body, marks)
    if not rows or not is_record(rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]):
        return b""
    return marks.separator_byte.join(f"column_{at + 1}".encode() for at in range(len(rows[0]))) + marks.eol_byte


def is_record(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first line of a table is of the kind of those below it, and not their names."""
    kinds = [_kind(said) for said in first]
    if not below:
        return not _CERTAIN.isdisjoint(kinds)
    alike, counted = 0, list[int]()
    for at, (said, kind) in enumerate(zip(first, kinds, strict=True)):
        values = [row[at] for row in below if row[at]]
        if not values:
            continue
        same = sum(1 for value in values if _kind(value) == kind) / len(values)
        if not kind and said and sum(1 for value in values if _kind(value)) >= _DATA * len(values):
            return False
        if kind and same >= _SAME and min(map(len, values)) <= len(said) <= max(map(len, values)):
            alike += 1
            counted += [int(said)] if said.isdecimal() else []
    counts_up = len(counted) > 1 and all(after == before + 1 for before, after in pairwise(counted))
    return alike > (len(counted) if counts_up else 0)


def _kind(said: str) -> str:
    plain = said.strip()
    return "" if _OURS.match(plain) else next((name for name, pattern in _KINDS if pattern.match(plain)), "")


def _beginning(body: bytes, marks: Marks) -> list[list[str]]:
    """The fields of the first rows that can be cut."""
    at, rows = len(body) - len(body.lstrip(b"\r\n")), list[list[str]]()
    while at < len(body) and len(rows) < _ROWS:
        fields, at, fault = cut_row(body, at, marks)
        if fault and not rows:
            return []
        if not fault and fields != [None]:
            rows.append([field or "" for field in fields])
    return rows
