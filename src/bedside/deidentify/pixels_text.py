"""What a text in a picture is: an identifier of the patient, of the staff, or by its shape; or a mark that may stay.

In        a line as it was read, letters mistaken
Out       its kind (NAME, ID, DATE, ..., or TEXT for what is not known to be harmless); None for the few marks that identify nobody
Stays     sides and directions, units and scales, tube settings with their unit. All else is painted: a reader that takes one letter
          for another must not decide that a name is none.
Source    45 CFR 164.514(b)(2)(i); DICOM PS3.3 C.7.6.1.1.1 (patient orientation)
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from bedside.core.ids import subject_number
from bedside.deidentify.patients import KnownIdentifiers, words
from bedside.deidentify.spans import joined
from bedside.deidentify.text import spans_of

if TYPE_CHECKING:
    from bedside.deidentify.desk import Desk, Person

ANY = "TEXT"
_MARK = re.compile(
    r"(?:[LRAPHFSI]|[LRAPHF]{2}|LT|RT|LEFT|RIGHT|CM|MM|DB|\d{1,3}(?:\.\d)? ?(?:CM|MM|DB|MHZ|KHZ|HZ|KV|KVP|MA|MAS|%|FPS))\Z", re.IGNORECASE
)
# What reading confuses, as one sign each: a name or number read with one of them for another is still that name.
_LIKE = str.maketrans("OQDILJ|!SZBGT", "0001111152867")
_LIKE_PAIRS = (("RN", "M"), ("VV", "W"), ("CL", "D"))
_SHORTEST, _LONG, _SHORTEST_NUMBER = 4, 8, 5


def kind_of(said: str, sure: float, person: Person, desk: Desk) -> str | None:
    """The kind of a line, None when it may stay. `sure` is how sure the reader is of it."""
    found = [*joined([*person.finder.find(said), *desk.staff.find(said)]), *spans_of(said)]
    if found:
        return found[0].kind
    if sure >= 0.9 and _MARK.match(said.strip()) and not person.finder.touches(said):
        return None
    return like(said, known_of(person, desk)) or ANY


def known_of(person: Person, desk: Desk) -> KnownIdentifiers:
    """What the map knows of a person; nothing of one who is not in it."""
    try:
        return desk.map.known(subject_number(person.name)) or KnownIdentifiers()
    except ValueError:
        return KnownIdentifiers()


def like(said: str, known: KnownIdentifiers) -> str | None:
    """The kind of a known identifier that a line is, one or two letters mistaken.

    >>> from bedside.deidentify.patients import Name
    >>> like("0U1LLFEATHER", KnownIdentifiers(names={Name(("Zebulon",), "Quillfeather")}))
    'NAME'
    >>> like("SUPINE", KnownIdentifiers(names={Name(("Zebulon",), "Quillfeather")})) is None
    True
    """
    chunks = [_plain(chunk) for chunk in re.split(r"[\s,^:;/.]+", said) if chunk]
    chunks += [one + other for one, other in pairwise(chunks)]
    names = {_plain(part) for name in known.names for one in name.writings() for part in words(" ".join((*one.given, one.family)))}
    if any(_near(chunk, name) for name in names if len(name) >= _SHORTEST for chunk in chunks):
        return "NAME"
    for kind, values in (("ID", known.records | known.numbers), ("SSN", known.ssns), ("PHONE", known.phones)):
        plain = [_plain(value) for value in values]
        if any(_near(chunk, value) for value in plain if len(value) >= _SHORTEST_NUMBER for chunk in [*chunks, _plain(said)]):
            return kind
    return None


def _plain(text: str) -> str:
    kept = "".join(letter for letter in text.upper() if letter.isalnum() or letter in "|!")
    for pair, one in _LIKE_PAIRS:
        kept = kept.replace(pair, one)
    return kept.translate(_LIKE)


def _near(one: str, other: str) -> bool:
    """Whether two words differ in one letter at most; in two when they are long."""
    return _apart(one, other, 2 if len(other) >= _LONG else 1)


def _apart(one: str, other: str, most: int) -> bool:
    """Whether the edit distance is at most `most` (Levenshtein 1966), with no more of the table than that."""
    if abs(len(one) - len(other)) > most:
        return False
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        before, row[0] = row[0], at
        for place, against in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != against))
        if min(row) > most:
            return False
    return row[-1] <= most
