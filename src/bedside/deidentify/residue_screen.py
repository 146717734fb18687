"""What of a text the residue proof looks at first: its words, and its numbers in groups, without their places.

In        a text without marks (`residue_forms.plain`)
Out       the text as words and blanks, line for line; the different stretches of digits and what may join them
Why       a table over the text and one split take a fiftieth of the time of a pattern; the patterns are asked only where these
          say that something could be found. What is looked at first is never less than what the patterns find.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from bedside.deidentify.residue_forms import _ASCII, beyond

DATE = re.compile(r"\d(?<!\w.)\d{0,3}[-/. ]\d{1,2}[-/. ]\d{1,4}(?!\d)")
_ANY_DATE = re.compile(rf"(?=({DATE.pattern}))")
_ANY_RUN = re.compile(r"\d[\dOoIl]*(?:[-./ ()]{1,3}[\dOoIl]+)+")
_TABLE = {code: said for code, said in _ASCII.items() if code != 10}
_BYTES = bytes(ord(_TABLE.get(code, chr(code))) if code < 128 else code for code in range(256))
_KEPT = frozenset("0123456789OoIl-./()")
# Blanks join digits, and what joins nothing becomes a blank: a comma stands for them meanwhile.
_LOOSE = {code: "," if code == 32 else chr(code) if chr(code) in _KEPT else " " for code in range(128)}
_SHORTEST = 6


class Loose(NamedTuple):
    """The different stretches of digits, in groups, of a text; more than its runs and dates are, never less."""

    runs: list[str]

    def dates(self) -> set[str]:
        """What may be a date in three numbers."""
        return set(_ANY_DATE.findall("\n".join(self.runs)))


def bare(text: str) -> str:
    """The text casefolded, with a blank for everything but letters, digits and the ends of lines.

    >>> bare("MRN: 12-34,\\nΩ µg")
    'mrn  12 34 \\nω μg'
    """
    if text.isascii():
        return text.translate(_TABLE)
    for sign in beyond(text):
        if (said := "".join(one if one.isalnum() else " " for one in sign.casefold())) != sign:
            text = text.replace(sign, said)
    return text.encode("utf-8").translate(_BYTES).decode("utf-8")


def loose_runs(text: str, words: Collection[str] = ()) -> Loose:
    """Stretches of digits with what may join them, each once; those that are one number, whole or with decimals, left out.

    words   the words of the text, where they are known: whole numbers among them are passed over at once

    >>> loose_runs("phone 617-555 0142x2, 12.345678; 3/4/1977").runs
    ['3/4/1977', '617-555 0142']
    """
    if not text.isascii():
        if any(sign.isdecimal() for sign in beyond(text)):
            return Loose([*set(_ANY_RUN.findall(text)), *set(DATE.findall(text))])
        text = text.encode("ascii", "replace").decode("ascii")
    held = {one.strip(",") for one in set(text.translate(_LOOSE).split()).difference(words) if len(one) >= _SHORTEST}
    return Loose(sorted(one.replace(",", " ") for one in held if not one.replace(".", "", 1).isdigit()))
