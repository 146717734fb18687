"""Sections of a note by their headings, as they are found in the wild.

In        the text
Out       sections in order: name in one spelling ("medications"; "other" for a heading that no list has), heading and body
Headings  known ones before a colon or alone on a line, in any case that begins with a capital; unknown ones only in capitals
          on a line of their own.
          Parts of an examination or review of systems ("HEENT:") stay in their section and begin a sentence.
Source    data/sections.csv, ours, after the document sections of LOINC and of C-CDA R2.1.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

_COLON = re.compile(r":(?!\d)")
_LINE = re.compile(r"^[^\S\n]*([A-Z][^\n:]{1,58}?)[^\S\n]*$", re.MULTILINE)
_EDGE = re.compile(r"[.,;:\n\t!?)]|  |--")
_LONGEST = 60
_BARE = re.compile(r"[^a-z0-9]+")
_PART = "part"
OTHER = "other"


class Section(NamedTuple):
    """heading [start, body) and text [body, end)."""

    name: str
    start: int
    body: int
    end: int


class Outline(NamedTuple):
    """Sections, and the places where a sentence begins because of a heading."""

    sections: list[Section]
    breaks: list[int]


@lru_cache(maxsize=1)
def headings() -> dict[str, str]:
    """Heading in small letters and single blanks -> section; "part" for parts of a section."""
    told = files("bedside.pillars.text").joinpath("data/sections.csv").read_text(encoding="utf-8")
    return {heading: row[0] for row in csv.reader(told.splitlines()) for heading in row[1].split("|")}


def outline(text: str) -> Outline:
    """The sections of a text.

    >>> note = "CC: cough\\nMEDICATIONS\\nlisinopril\\nPE: Neck: supple"
    >>> [(s.name, note[s.body:s.end].strip()) for s in outline(note).sections]
    [('chief-complaint', 'cough'), ('medications', 'lisinopril'), ('exam', 'Neck: supple')]
    """
    found = sorted({*_before_colons(text), *_alone(text)}, key=lambda one: (one[0], -one[1]))
    heads, breaks, reached = list[tuple[int, int, str]](), list[int](), -1
    for start, body, name in found:
        if start < reached:
            continue
        breaks += [start] if name == _PART else [start, body]
        reached = body
        if name != _PART:
            heads.append((start, body, name))
    ends = [*(start for start, _, _ in heads[1:]), *([len(text)] if heads else [])]
    return Outline([Section(name, start, body, end) for (start, body, name), end in zip(heads, ends, strict=True)], breaks)


def section_of(heading: str) -> str | None:
    """The section that a heading names, None for an unknown one.

    >>> section_of("Past Medical Hx"), section_of("Quaestiones")
    ('past-medical-history', None)
    """
    return headings().get(_bare(heading))


def _before_colons(text: str) -> list[tuple[int, int, str]]:
    known, found, last = headings(), list[tuple[int, int, str]](), 0
    for colon in _COLON.finditer(text):
        at = colon.start()
        low = max(last, at - _LONGEST)
        piece = text[low:at]
        edges = [match.end() for match in _EDGE.finditer(piece)]
        start = low + (edges[-1] if edges else 0)
        if edges or low == last or low == 0:
            start += len(text[start:at]) - len(text[start:at].lstrip(" -*•#\"'"))
            name = _named(text, start, at, known)
            if name is not None:
                found.append((start, at + 1, name))
        last = at + 1
    return found


def _named(text: str, start: int, at: int, known: dict[str, str]) -> str | None:
    head = text[start:at]
    if not head or not (head[0].isupper() or head[0].isdigit()):
        return None
    bare = _bare(head)
    name = known.get(bare)
    if name is not None:
        return name
    words, begins_line = bare.split(), start == 0 or text.rfind("\n", max(start - 4, 0), start) >= 0
    if head.isupper() and len(words) <= 6 and len(bare) > 2:
        return OTHER if begins_line and text[at + 1 : at + 3].lstrip(" ")[:1] in ("", "\n") else _PART
    return _PART if len(words) <= 4 and begins_line else None


def _alone(text: str) -> list[tuple[int, int, str]]:
    """Headings alone on their line."""
    known, found = headings(), list[tuple[int, int, str]]()
    for line in _LINE.finditer(text):
        head = line[1]
        name = known.get(_bare(head))
        if name is None and head.isupper() and len(head) > 3 and head[-1].isalpha() and len(head.split()) <= 5 and not any(map(str.isdigit, head)):
            name = OTHER if _blank_before(text, line.start()) else None
        if name is not None:
            found.append((line.start(1), line.end(1), name))
    return found


def _blank_before(text: str, at: int) -> bool:
    return at == 0 or text[max(at - 2, 0) : at].count("\n") == 2 or text[max(at - 3, 0) : at] == "\n \n"


def _bare(heading: str) -> str:
    return _BARE.sub(" ", heading.lower().replace("&", " and ")).strip()
