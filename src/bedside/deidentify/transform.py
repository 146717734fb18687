"""Pass two: a file in, the same file without identifiers out; a pure function of bytes, policy and the frozen patient map.

In        a raw file, the policy, the keyring with its surveyed map, the source's mapping (tables) and zone
Out       bytes in the same format, or none; counts that reconcile; rejects under pseudonymous names; what was done, by kind
Rules     what cannot be parsed cannot be de-identified: it is never copied, it is quarantined. Policy as-received passes bytes
          unchanged.
Elsewhere the formats: `fhir.py`, `hl7v2.py`, `tables.py`, `dicom.py`, `notes.py`.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from bedside.core.accounts import Reject, Tally
from bedside.core.errors import Malformed
from bedside.core.ids import keyed_file, keyed_hex
from bedside.deidentify.desk import Desk, Leave, desk
from bedside.deidentify.lexicon import listed
from bedside.deidentify.policy import Policy
from bedside.formats.chunks import Chunk
from bedside.formats.files import RawFile, pack
from bedside.formats.piece import Piece

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring
    from bedside.deidentify.replace import Scrubbed
    from bedside.deidentify.spans import Detector
    from bedside.formats.notes import Note

_SUFFIXES = (".ndjson", ".jsonl", ".json", ".hl7", ".csv", ".psv", ".tsv", ".tab", ".parquet", ".pq", ".dcm", ".txt", ".md", ".gz")
_STEM = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)*\Z")
_ALIAS_LENGTH = 12
Change = Callable[[bytes, str], bytes]


class Listener(Protocol):
    """Is told what became of texts: for a sample that a person reads, and for the spans of notes."""

    def text(self, place: str, said: str, done: Scrubbed) -> None:
        """A text of the record at a place of the file, as it came and as it is now."""
        ...

    def note(self, place: str, note: Note, done: Scrubbed) -> None:
        """A note, and what became of its body."""
        ...


class Transformed(msgspec.Struct, frozen=True):
    """One file or part of one, transformed. `data` is None when nothing of it may be kept."""

    data: bytes | None
    tally: Tally
    rejects: list[Reject]
    actions: dict[str, int]


def transform(
    file: RawFile,
    *,
    policy: Policy,
    keyring: Keyring,
    mapping: dict[str, Any] | None = None,
    timezone: str | None = None,
    detectors: Sequence[Detector] = (),
    nobody: bool = False,
    listener: Listener | None = None,
) -> Transformed:
    """De-identify one file, or a part of one (`Chunk`). Never raises for what the file holds.

    detectors   finders of names beyond the built-in ones, handed in by the study
    nobody      a note need not say whose it is
    """
    account = _Account(file, keyring)
    if isinstance(file, Chunk) and file.too_large:
        account.reject("record", b"%d" % file.too_large, f"a record of {file.too_large >> 20} MB: more than is read at once")
        return Transformed(None, account.tally, account.rejects, {})
    if policy.unchanged:
        return _unchanged(file, account)
    table = desk(keyring, policy, detectors)
    table.actions = Counter()
    table.watch = (lambda said, done: listener.text(account.at, said, done)) if listener is not None else None
    try:
        data = (
            _tabular(file, table, account, mapping, timezone)
            if file.format == "tables"
            else _pieced(file, table, account, timezone, nobody, listener)
        )
    except Malformed as error:
        account.reject_all(error.what)
        data = None
    finally:
        table.watch = None
    kept = data if account.tally.written else None
    return Transformed(_packed(kept, file), account.tally, account.rejects, dict(sorted((+table.actions).items())))


def alias(relative: str, keyring: Keyring, *, words: Iterable[str] = (), patterns: Iterable[str] = ()) -> str:
    """The pseudonymous name of a file: suffixes stay, a stem or folder stays when it only says what a file holds; else a digest.

    words     further words that may stand, such as the names of a mapping's tables (`mapping_words`)
    patterns  a mapping's file patterns: what they spell out stays too, with the digest in place of what their first star stood for,
              so that the file is still of that table under its alias

    Decided without the patient map, so that a name is the same before and after the survey.
    """
    known = listed("file_words") | {word.lower() for word in words}
    parts = relative.split("/")
    safe = [part if _speaks_of_data(part, known) else f"f-{_mark(keyring, parts[: at + 1])}" for at, part in enumerate(parts[:-1])]
    stem, suffix = _cut_suffix(parts[-1])
    name = parts[-1] if _speaks_of_data(stem, known) else _under(parts[-1], suffix, patterns, f"f-{_mark(keyring, parts)}") or f"f-{_mark(keyring, parts)}{suffix}"
    return "/".join([*safe, name])


def _under(name: str, suffix: str, patterns: Iterable[str], mark: str) -> str | None:
    """What a pattern spells out of a name, the mark standing for its first star and nothing for the others; None where no pattern can say it.

    >>> _under("vitals_2023 Smith.csv.gz", ".csv.gz", ["labs*.csv", "vitals*.csv*"], "f-1a"), _under("entry_2017.csv", ".csv", ["entry_2017.csv"], "f-1a")
    ('vitals-f-1a.csv.gz', 'entry_2017.csv')
    """
    bare = [pattern.rsplit("/", 1)[-1] for pattern in patterns]
    spelt = next((pattern for pattern in bare if fnmatchcase(name, pattern) and not set("?[") & set(pattern)), None)
    if spelt is None or not spelt.replace(suffix, "").strip("*."):
        return None
    before, star, after = spelt.partition("*")
    told = before + (f"-{mark}" if before[-1:].isalnum() else mark) * bool(star) + after.replace("*", "")
    lacking = next(suffix[cut:] for cut in range(len(suffix), -1, -1) if told.endswith(suffix[:cut]))
    return told + lacking


def mapping_words(mapping: dict[str, Any] | None) -> set[str]:
    """The words in the file patterns of a mapping: names that the study's author wrote down, and so no patient's."""
    return {word.lower() for pattern in mapping_patterns(mapping) for word in re.findall(r"[A-Za-z]+", pattern)}


def mapping_patterns(mapping: dict[str, Any] | None) -> list[str]:
    """The file patterns of a mapping, table by table."""
    return [pattern for table in ((mapping or {}).get("tables") or {}).values() for pattern in table.get("files") or ()]


class _Account:
    """Counts and rejects of one file."""

    def __init__(self, file: RawFile, keyring: Keyring) -> None:
        self.file, self.key = file, keyring.file_key
        self.tally, self.rejects = Tally(file.source, file.alias), list[Reject]()
        self.at = "file"

    def reject(self, place: str, raw: bytes, reason: str) -> None:
        self.tally.quarantine(reason)
        self.rejects.append(Reject(self.file.source, self.file.alias, self.place(place), reason, keyed_hex(self.key, raw)))

    def reject_all(self, reason: str) -> None:
        """Nothing of the file, or of this part of it, goes on."""
        self.tally.quarantine(reason)
        part = self.file.data if isinstance(self.file, Chunk) else None
        digest = keyed_hex(self.key, part) if part is not None else keyed_file(self.key, self.file.path)
        self.rejects.append(Reject(self.file.source, self.file.alias, self.place("file"), reason, digest))

    def place(self, said: str) -> str:
        return self.file.place(said) if isinstance(self.file, Chunk) else said

    def each(self, pieces: Iterable[Piece], change: Change) -> Iterator[bytes | None]:
        """Every record changed, or None for one that does not go on."""
        for piece in pieces:
            self.at = self.place(piece.place)
            try:
                new = change(piece.raw, f"{self.file.source}/{self.file.alias}, {self.at}")
            except Malformed as error:
                self.reject(piece.place, piece.raw, error.what)
                yield None
            except Leave as leave:
                (self.tally.merge if leave.merged else self.tally.ignore)(leave.reason)
                yield None
            else:
                self.tally.write()
                yield new


def _pieced(file: RawFile, table: Desk, account: _Account, timezone: str | None, nobody: bool, listener: Listener | None) -> bytes:
    """A file of records: each changed on its own, put back in the same layout."""
    data = file.read()
    if file.format == "fhir":
        from bedside.formats import fhir

        return fhir.rebuild(data, list(account.each(fhir.pieces(data), _fhir(file, table, timezone, fhir.full_urls(data)))))
    if file.format == "hl7v2":
        from bedside.deidentify.hl7v2 import Change as Messages
        from bedside.formats import hl7v2

        messages = Messages(table, source=file.source, timezone=timezone)
        changed = account.each(hl7v2.pieces(data), lambda raw, where: messages.message(raw, where=where))
        return hl7v2.rebuild(data, list(changed), bare_envelope=True)
    if file.format == "dicom":
        return b"".join(new for new in account.each([Piece("instance", data)], _dicom(file, table, timezone, nobody)) if new is not None)
    from bedside.formats import notes

    change = _notes(file, table, account, timezone, nobody, listener, lines=notes.are_lines(data))
    return notes.rebuild(data, list(account.each(notes.pieces(data), change)))


def _fhir(file: RawFile, table: Desk, timezone: str | None, urls: dict[str, str]) -> Change:
    from bedside.deidentify.fhir import Change as Resources

    resources = Resources(table, source=file.source, timezone=timezone, urls=urls)
    return lambda raw, where: resources.json(raw, where=where)


def _dicom(file: RawFile, table: Desk, timezone: str | None, nobody: bool) -> Change:
    from bedside.deidentify import dicom

    return lambda raw, where: dicom.change(raw, table, source=file.source, timezone=timezone, where=where, nobody=nobody)


def _notes(file: RawFile, table: Desk, account: _Account, timezone: str | None, nobody: bool, listener: Listener | None, *, lines: bool) -> Change:
    from bedside.deidentify import notes

    told = (lambda note, done: listener.note(account.at, note, done)) if listener is not None else None
    return lambda raw, where: notes.change(
        raw, table, source=file.source, timezone=timezone, where=where, line=lines, nobody=nobody, told=told
    )


def _tabular(file: RawFile, table: Desk, account: _Account, mapping: dict[str, Any] | None, timezone: str | None) -> bytes | None:
    from bedside.deidentify import tables
    from bedside.formats import tables as format

    rule = tables.rule_of(mapping, file.relative)
    if rule is None or rule.get("ignore") is not None:
        read = format.read(file)
        account.tally.ignore(
            "table not mapped" if rule is None else "table declared to be ignored", read.frame.height + len(read.rejects)
        )
        return None
    read, new, faults = tables.change(file, table, mapping=mapping, rule=rule, timezone=timezone)
    for fault in read.rejects:
        account.reject(f"line {fault.line}", fault.raw, fault.reason)
    for row, reason in faults:
        account.reject(read.place(row), repr(read.frame.row(row)).encode(), reason)
    account.tally.write(new.height)
    return _without_header(format.write(read, new), file)


def _without_header(data: bytes, file: RawFile) -> bytes:
    """A later part of a text table goes on where the part before it ended."""
    if not isinstance(file, Chunk) or file.part == 0:
        return data
    plain = gzip.decompress(data) if file.relative.endswith(".gz") else data
    return pack(plain[plain.find(b"\n") + 1 :], file.relative)


def _unchanged(file: RawFile, account: _Account) -> Transformed:
    """Bytes as they are; records are counted as far as they can be."""
    data = file.data if isinstance(file, Chunk) and file.data is not None else file.path.read_bytes()
    try:
        account.tally.write(_count(file))
    except Malformed:
        account.tally.write()
    return Transformed(data, account.tally, [], {"unchanged, as received": 1})


def _count(file: RawFile) -> int:
    if file.format == "dicom":
        return 1
    if file.format == "tables":
        from bedside.formats import tables

        read = tables.read(file)
        return read.frame.height + len(read.rejects)
    from bedside.formats import fhir, hl7v2, notes

    return sum(1 for _ in {"fhir": fhir, "hl7v2": hl7v2, "notes": notes}[file.format].pieces(file.read()))


def _packed(data: bytes | None, file: RawFile) -> bytes | None:
    """Compressed again when it came so; tables pack themselves."""
    if data is None or file.format == "tables" or not file.relative.endswith(".gz"):
        return data
    return pack(data, ".gz")


def _cut_suffix(name: str) -> tuple[str, str]:
    suffix = ""
    for _ in range(2):
        end = next((one for one in _SUFFIXES if name.lower().endswith(one) and len(name) > len(one)), None)
        if end is None:
            break
        name, suffix = name[: -len(end)], name[-len(end) :].lower() + suffix
    return name, suffix


def _speaks_of_data(text: str, known: frozenset[str] | set[str]) -> bool:
    """Whether every word of a name is one that says what files hold.

    >>> _speaks_of_data("lab_events", {"lab", "events"}), _speaks_of_data("smith_john", {"lab"}), _speaks_of_data("p000001", {"p"})
    (True, False, False)
    """
    return _STEM.match(text) is not None and all(word in known for word in re.findall(r"[a-z]+", text.lower()))


def _mark(keyring: Keyring, parts: Sequence[str]) -> str:
    return keyed_hex(keyring.file_key, "name", "/".join(parts), length=_ALIAS_LENGTH)
