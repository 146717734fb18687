"""Texts of a message that can only be scrubbed once the whole message is read: their lines may go on in the next segment.

In        the text fields of a message (NTE-3, DSP-3, OBX-5 of type ST, TX, FT), noted as they are met
Out       the same fields of the safe message, written into its rows: each run of lines is scrubbed as one text
Elsewhere how lines become one text and lines again: `hl7v2_lines.py`
"""

from __future__ import annotations

from typing import NamedTuple

from bedside.deidentify.desk import Desk, Person
from bedside.deidentify.hl7v2_lines import scrub_lines
from bedside.deidentify.hl7v2_values import Values

Row = list[str] | str | None


class _Line(NamedTuple):
    """A repetition of a text field: which segment of the message, which repetition, whose text, and what it says."""

    row: int
    field: int
    run: tuple[str, str]
    person: Person | None
    raw: str


class Later:
    """The lines of one message."""

    def __init__(self, desk: Desk, values: Values) -> None:
        self.desk, self.values = desk, values
        self._lines: list[_Line] = []

    def note(self, raw: str, at: int, number: int, about: str, person: Person | None) -> str:
        """Note the lines of a text field; what is written in their place is known once the whole text is."""
        mark, run = self.values.marks.repetition, ("" if number == 5 else "note", about)
        self._lines += (_Line(at, number, run, person, one) for one in (raw.split(mark) if mark else [raw]))
        return ""

    def write(self, rows: list[Row]) -> None:
        """Scrub each run of lines as one text, and write the lines into their fields."""
        run: list[_Line] = []
        for line in [*self._lines, None]:
            if run and (line is None or (line.run, line.person) != (run[0].run, run[0].person) or line.row > run[-1].row + 1):
                before = -1
                for one, text in zip(run, self._scrubbed(run), strict=True):
                    self._put(rows[one.row], one, text, first=one.row != before)
                    before = one.row
                run = []
            if line is not None:
                run.append(line)

    def _put(self, row: Row, line: _Line, text: str, *, first: bool) -> None:
        if isinstance(row, list):
            row[line.field] = text if first else f"{row[line.field]}{self.values.marks.repetition}{text}"

    def _scrubbed(self, run: list[_Line]) -> list[str]:
        """The lines of one text as they are written in the safe message."""
        values, person = self.values, run[0].person
        if len(run) == 1:
            values.of(person)
            return [values.change("scrub", run[0].raw)]
        plain = [values.plain(line.raw) for line in run]
        new = scrub_lines(plain, lambda text: self.desk.text(text, person), lambda word: self._is_known(word, person))
        return [values.written(line.raw, text) for line, text in zip(run, new, strict=True)]

    def _is_known(self, word: str, person: Person | None) -> bool:
        return not self.desk.silent(word) and (self.desk.staff.touches(word) or (person is not None and person.finder.touches(word)))
