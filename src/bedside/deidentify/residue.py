"""The residue proof: is anything of what the patient map knows still in the de-identified files?

In        every output as (name, bytes), the keyring
Out       `Residue`: hits by kind, file and place (line, message, row), never content
Strong    medical record numbers and other long numbers, phones, SSNs, full names in both orders, streets, e-mail addresses,
          of every subject, searched everywhere: one hit stops the run
Weak      a single family name, a short number, a birth date, a zip: searched only in the records of their own subject, for review
Method    text and identifiers are cut into words of letters and digits, casefolded, accents off; an identifier is a run of words,
          found by its longest one in a hash table. JSON escapes, base64 attachments, gzip, Parquet and
          DICOM headers are opened first.
"""

from __future__ import annotations

import binascii
import gzip
import re
import zlib
from base64 import b64decode
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec

from bedside.core.errors import Malformed
from bedside.core.ids import pseudonym
from bedside.deidentify.folding import fold
from bedside.deidentify.lexicon import everyday
from bedside.deidentify.patients import KnownIdentifiers, Name

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring

_WORD = re.compile(r"[^\W_]+")
_ASCII = str.maketrans({code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)})
_PSEUDONYM = re.compile(r"\bP[0-9A-HJKMNP-TV-Z]{12}\b")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf/\"\\])")
_ATTACHMENT = re.compile(r'"data"\s*:\s*"([A-Za-z0-9+/=\\]{16,})"')
_COMPACT_DATE = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\Z")
_LONG_NUMBER, _LONG_OTHER_NUMBER, _LONG_PHONE, _LONG_SSN = 6, 8, 10, 9
_TEXT_KINDS = frozenset({"PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE", "CS", "UR", "UI", "UN", "DA", "DT", "AS", "IS"})


class Hit(msgspec.Struct, frozen=True):
    """How often identifiers of one kind were found in one file, and in which of its records."""

    file: str
    kind: str
    count: int
    places: list[str] = []


class Residue(msgspec.Struct, frozen=True):
    """The proof. `strong` hits stop a run; `weak` ones are for review; `needles`: how many forms were looked for."""

    strong: int
    weak: int
    strong_hits: list[Hit]
    weak_hits: list[Hit]
    needles: int
    subjects: int
    files: int
    searched_bytes: int

    @property
    def hits(self) -> int:
        """Strong hits."""
        return self.strong


# Why a hit of a kind is for a person to look at, and no proof of a leak.
WEAK_REASONS = {
    "name": "a family name alone, in a record of one who bears it: it may be a word, a place or another person",
    "short number": "digits of a short record number: they may count or measure something",
    "birth date": "eight digits of the birth date: they may be another day or a code",
    "zip": "five digits of the zip code: they may count or measure something",
}
Words = tuple[str, ...]


class _Found(defaultdict[tuple[str, str], list[str]]):
    """The places of hits, by file and kind."""

    def __init__(self) -> None:
        super().__init__(list)


class Needles:
    """Everything looked for: runs of words, each filed under its longest word and where that stands in the run."""

    def __init__(self, keyring: Keyring, keeps: Collection[str] = ()) -> None:
        self.strong: dict[str, list[tuple[int, Words, str]]] = {}
        self.weak: dict[str, dict[str, str]] = {}
        self.count = 0
        for subject in keyring.map.subjects:
            for kind, form in strong_forms(subject.known):
                self._file(form, kind)
            found = {word: kind for word, kind in weak_forms(subject.known) if kind not in keeps}
            for code in (subject.code, *subject.former):
                self.weak[pseudonym(code)] = found
            self.count += len(found)

    def _file(self, form: Words, kind: str) -> None:
        anchor = max(range(len(form)), key=lambda at: (len(form[at]), -at))
        entry, filed = (anchor, form, kind), self.strong.setdefault(form[anchor], [])
        if entry not in filed:
            filed.append(entry)
            self.count += 1


def prove(outputs: Iterable[tuple[str, bytes]], keyring: Keyring, *, keeps: Collection[str] = ()) -> Residue:
    """Search every output for every identifier of the map.

    keeps   kinds of weak identifiers that the policy lets stand (a limited data set keeps "zip" and "birth date")
    """
    needles = Needles(keyring, keeps)
    strong, weak, files, size = _Found(), _Found(), 0, 0
    for name, data in outputs:
        files, size = files + 1, size + len(data)
        called = f"file {files} (its name tells)" if _tells(name, needles) else name
        _search(called, "name", name, needles, strong, weak)
        for place, record in records(name, data):
            _search(called, place, record, needles, strong, weak)
    return Residue(
        sum(map(len, strong.values())),
        sum(map(len, weak.values())),
        _hits(strong),
        _hits(weak),
        needles.count,
        len(keyring.map.subjects),
        files,
        size,
    )


def _tells(name: str, needles: Needles) -> bool:
    """Whether a file's name holds a strong identifier: then it cannot be told either."""
    found = _Found()
    _search("", "", name, needles, found, _Found())
    return bool(found)


def strong_forms(known: KnownIdentifiers) -> Iterator[tuple[str, Words]]:
    """The ways in which identifiers that must be nowhere may be written, as runs of words."""
    for value in known.records | known.numbers:
        yield from (
            ("number", form) for form in _number_forms(value, _LONG_NUMBER if value in known.records else _LONG_OTHER_NUMBER)
        )
    for value in known.phones:
        yield from (("phone", form) for form in _phone_forms(value))
    for value in known.ssns:
        digits = re.sub(r"\D", "", value)
        if len(digits) == _LONG_SSN:
            yield from (("ssn", form) for form in ((digits,), (digits[:3], digits[3:5], digits[5:])))
    for name in known.names:
        yield from (("name", form) for one in name.writings() for form in _name_forms(one))
    for kind, values in (("address", known.streets), ("email", known.emails)):
        for value in values:
            form = words_of(value)
            if len(form) >= 2 and sum(map(len, form)) >= 8:
                yield kind, form


def weak_forms(known: KnownIdentifiers) -> Iterator[tuple[str, str]]:
    """Single words that tell only in the subject's own records: (word, kind). Names that are also words are left out."""
    for name in known.names:
        for part in words_of(name.family):
            if len(part) > 2 and part not in everyday():
                yield part, "name"
    for birth in known.births:
        digits = re.sub(r"\D", "", birth)
        if len(digits) == 8:
            yield digits, "birth date"
    for value in known.records:
        form = words_of(value)
        if len(form) == 1 and len(form[0]) >= 4 and not _is_strong(form, _LONG_NUMBER):
            yield form[0], "short number"
    for value in known.zips:
        if len(value) >= 5 and value[:5].isdigit():
            yield value[:5], "zip"


def words_of(text: str) -> Words:
    """Words as the search sees them.

    >>> words_of("O'Neil-Müller, 555-0134")
    ('o', 'neil', 'muller', '555', '0134')
    """
    return tuple(_said(text))


def records(name: str, data: bytes) -> Iterator[tuple[str, str]]:
    """The text of an output, record by record, each after its place: a line, a message, a row, a data set, a note."""
    if name.endswith(".gz"):
        data = _inflated(data)
    kind, opened = "row", _parquet(data) if data[:4] == b"PAR1" else None
    if opened is None and data[128:132] == b"DICM":
        kind, opened = "header", _dicom(data)
    if opened is None:
        yield from _text(data.decode("utf-8", "replace"))
    else:
        yield from ((f"{kind} {at}", one) for at, one in enumerate(opened, 1))


def _inflated(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return data


def _search(file: str, place: str, record: str, needles: Needles, strong: _Found, weak: _Found) -> None:
    said = _said(record)
    words = set(said)
    for word in needles.strong.keys() & words:
        for at in (at for at, one in enumerate(said) if one == word):
            for anchor, form, kind in needles.strong[word]:
                if at >= anchor and tuple(said[at - anchor : at - anchor + len(form)]) == form and not _is_fraction(record, form):
                    strong[file, kind].append(place)
    for person in set(_PSEUDONYM.findall(record)) & needles.weak.keys():
        for word in needles.weak[person].keys() & words:
            weak[file, needles.weak[person][word]].append(place)


def _said(text: str) -> list[str]:
    """The words of a text. Nearly all text is ASCII, where a table and a split do what the pattern does, many times faster."""
    return text.translate(_ASCII).split() if text.isascii() else _WORD.findall(_plain(text))


def _is_fraction(record: str, form: Words) -> bool:
    """Whether digits stand only as part of a decimal number: 0.123456 is no record number."""
    if len(form) > 1 or not form[0].isdigit():
        return False
    return re.search(rf"(?<![\w.]){form[0]}(?!\w|\.\d)|(?<!\d)\.{form[0]}(?!\w)", record) is None


def _plain(text: str) -> str:
    return fold(text).casefold()


def _text(text: str) -> Iterator[tuple[str, str]]:
    """JSON line by line with escapes resolved and attachments opened; HL7 v2 message by message; other text by lines or whole."""
    head = text[:200].lstrip("\ufeff \r\n\t\x0b")
    if head.startswith(("MSH", "FHS", "BHS")):
        yield from ((f"message {at}", one) for at, one in enumerate(re.split(r"[\r\n](?=MSH)", text), 1))
    elif head.startswith(("{", "[")):
        for at, line in enumerate(_lines(text), 1):
            yield f"line {at}", _unescaped(line)
            yield from ((f"line {at}, attachment", found) for found in map(_opened, _ATTACHMENT.findall(line)) if found)
    elif head.startswith("Patient-ID:") or "\n\n" in text[:2000]:
        yield "note", text
    else:
        yield from ((f"line {at}", line) for at, line in enumerate(_lines(text), 1))


def _lines(text: str) -> Iterator[str]:
    return iter(text.split("\n"))


def _unescaped(line: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else " ", line) if "\\" in line else line


def _opened(data: str) -> str:
    try:
        return b64decode(data.replace("\\/", "/")).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _parquet(data: bytes) -> list[str] | None:
    """The rows of a table; None when it is none after all, and is searched as text."""
    import polars as pl

    try:
        frame = pl.read_parquet(BytesIO(data))
    except (pl.exceptions.PolarsError, OSError):
        return None
    texts = frame.select(
        pl.concat_str([pl.col(name).cast(pl.String, strict=False).fill_null("") for name in frame.columns], separator=" | ")
    )
    return texts[:, 0].to_list() if frame.width else []


def _dicom(data: bytes) -> list[str] | None:
    """All text values of a header, nested and private ones too; None when it cannot be read, and is searched as text."""
    from bedside.formats.dicom import parse

    found = []
    try:
        dataset = parse(data, where="output", stop_before_pixels=True)
        for element in (*dataset.file_meta, *dataset.iterall()):
            if element.VR in _TEXT_KINDS and element.value not in (None, ""):
                value = element.value
                found.append(value.decode("latin-1") if isinstance(value, bytes) else str(value).replace("^", " "))
    except (Malformed, AttributeError, KeyError, TypeError, ValueError, NotImplementedError, OverflowError):
        return None
    return ["\n".join(found)]


def _number_forms(value: str, shortest: int) -> Iterator[Words]:
    form = words_of(value)
    if form and _is_strong(form, shortest):
        yield form
        if len(form) > 1 and len("".join(form)) >= shortest:
            yield ("".join(form),)
        yield ("mrn" + "".join(form),)


def _is_strong(form: Words, shortest: int) -> bool:
    """Long enough, with digits enough, and no day of the calendar."""
    joined = "".join(form)
    digits = sum(map(str.isdigit, joined))
    return len(joined) >= shortest and digits >= 4 and not _COMPACT_DATE.match(joined)


def _phone_forms(value: str) -> Iterator[Words]:
    digits = re.sub(r"\D", "", value)
    if len(digits) < _LONG_PHONE:
        return
    last = digits[-_LONG_PHONE:]
    area, middle, rest = last[:3], last[3:6], last[6:]
    yield from ((last,), ("1" + last,), (area, middle, rest), (area, middle + rest), (area + middle, rest))


def _name_forms(name: Name) -> Iterator[Words]:
    """Given and family name in both orders, the first given name alone, with all others, and with their initials."""
    family, given = words_of(name.family), words_of(" ".join(name.given))
    if not family or not given:
        return
    first, initials = given[:1], tuple(part[0] for part in given[1:])
    if len(first[0]) < 2:
        return
    for firsts in {first, given, first + initials}:
        yield (*firsts, *family)
        yield (*family, *firsts)


def _hits(found: _Found) -> list[Hit]:
    return [Hit(file, kind, len(places), list(dict.fromkeys(places))) for (file, kind), places in sorted(found.items())]
