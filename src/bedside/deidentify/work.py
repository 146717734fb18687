"""What one worker does with one part of a file: survey it, transform it, search it for residue. The same in this process and in others.

In        what all parts share (`Start`), then jobs by name
Out       values that can be joined in the order of the files, whoever worked them out
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import nsmallest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from bedside.core.accounts import Reject, Tally
from bedside.core.errors import BedsideError, raised_at
from bedside.core.ids import keyed_file, keyed_hex
from bedside.deidentify.collect import People
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.patients import MapState, PatientMap
from bedside.deidentify.policy import Policy
from bedside.deidentify.replace import Scrubbed
from bedside.deidentify.spans import Detector, Span
from bedside.deidentify.survey import Part, collect
from bedside.deidentify.transform import Transformed, transform
from bedside.formats.chunks import Chunk
from bedside.formats.files import RawFile
from bedside.formats.notes import Note

if TYPE_CHECKING:
    from bedside.deidentify.residue import Residue
    from bedside.deidentify.residue_needles import Needles

_SHORTEST_SAMPLE = 20
_HEADER_KINDS = {"Date": "DATE", "Author": "NAME", "Title": "NAME"}


class Start(NamedTuple):
    """What every worker begins with. It goes over a pipe and never to disk: the secret is in it."""

    keyring: dict[str, Any]
    map: bytes
    policy: Policy
    mappings: dict[str, dict[str, Any]]
    timezones: dict[str, str | None]
    authorities: dict[str, str]
    detector: str = "rules"
    nobody: bool = False
    sample: int = 0
    spans: bool = False


class Text(NamedTuple):
    """A text for a person to read: `order` is where it stands in the drawing of lots."""

    order: str
    file: str
    place: str
    format: str
    said: str
    done: Scrubbed


class Outcome(NamedTuple):
    """One part, transformed; the spans of its notes by their own names; the first of its texts in the drawing of lots."""

    made: Transformed
    spans: list[tuple[str, list[Span]]]
    texts: list[Text]


def start(
    keyring: Keyring, policy: Policy, *, mappings: dict[str, dict[str, Any]] | None = None, timezones: dict[str, str | None] | None = None,
    authorities: dict[str, str] | None = None, detector: str = "rules", nobody: bool = False, sample: int = 0, spans: bool = False,
) -> Start:  # fmt: skip
    """What to begin with, of a keyring as it is now."""
    state = {name: value for name, value in keyring.__dict__.items() if name != "map"}
    known = authorities if authorities is not None else keyring.map.state.authorities
    return Start(state, keyring.map.encode(), policy, mappings or {}, timezones or {}, known, detector, nobody, sample, spans)


class Work:
    """Does jobs. Called with the name of a job and what it is about."""

    def __init__(self, begun: Start, detectors: tuple[Detector, ...] = ()) -> None:
        self.begun, self.detectors = begun, detectors
        self.keyring = Keyring.__new__(Keyring)
        self.keyring.__dict__.update(begun.keyring)
        self.keyring.map = PatientMap.decode(begun.map)
        self._needles: tuple[tuple[str, ...], Needles] | None = None

    def __call__(self, name: str, about: Any) -> Any:
        jobs: dict[str, Callable[[Any], Any]] = {
            "survey": self.survey, "map": self.take_map, "transform": self.transform, "reject": self.reject, "prove": self.prove,
        }  # fmt: skip
        return jobs[name](about)

    def survey(self, chunk: Chunk) -> Part:
        """What a part tells of people."""
        base = PatientMap(MapState(authorities=self.begun.authorities))
        try:
            return collect(chunk, base, self.keyring, self.begun.mappings, self.begun.timezones, nobody=self.begun.nobody)
        except Exception as error:
            if not _foreseen_nowhere(error):
                raise
            return Part(chunk.source, People(base, empty=True), 0, 1)  # the transform says what it is

    def take_map(self, encoded: bytes) -> None:
        """Work with the map that the survey came to."""
        self.keyring.map, self._needles = PatientMap.decode(encoded), None

    def transform(self, chunk: Chunk) -> Outcome:
        """A part without identifiers."""
        begun = self.begun
        heard = _Heard(chunk, self.keyring.file_key, begun.sample) if begun.sample or begun.spans else None
        try:
            made = transform(
                chunk, policy=begun.policy, keyring=self.keyring, mapping=begun.mappings.get(chunk.source), timezone=begun.timezones.get(chunk.source),
                detectors=self.detectors, nobody=begun.nobody, listener=heard,
            )  # fmt: skip
        except Exception as error:
            if not _foreseen_nowhere(error):
                raise
            return self.reject((chunk, f"a defect of Bedside ({type(error).__name__}, {raised_at(error)}): please report it, without the file"))
        return Outcome(made, heard.spans if heard and begun.spans else [], nsmallest(begun.sample, heard.texts) if heard else [])

    def reject(self, about: tuple[RawFile, str]) -> Outcome:
        """A file, or the rest of one, of which nothing can be read."""
        file, reason = about
        tally = Tally(file.source, file.alias)
        tally.quarantine(reason)
        place = file.place("file") if isinstance(file, Chunk) else "file"
        reject = Reject(file.source, file.alias, place, reason, keyed_file(self.keyring.file_key, file.path))
        return Outcome(Transformed(None, tally, [reject], {}), [], [])

    def prove(self, about: tuple[str, Path, tuple[str, ...]]) -> Residue:
        """An output searched for everything that the map knows."""
        from bedside.deidentify.residue import needles_of, prove

        name, path, keeps = about
        if self._needles is None or self._needles[0] != keeps:
            self.keyring.map.memo.clear()  # what the transform remembered is of no use to the search
            self._needles = keeps, needles_of(self.keyring, keeps=keeps)
        return prove([(name, path)], needles=self._needles[1])


def _foreseen_nowhere(error: Exception) -> bool:
    """Whether an error is a defect that one part of one file brought to light: that part is set aside with its place, and the others go on.

    What is wrong with the set-up (an extra, a policy, the keyring) or with the machine concerns every file, and ends the run.
    """
    return not isinstance(error, (BedsideError, OSError, ImportError, MemoryError))


class _Heard:
    """What a transform said of texts, of one part."""

    def __init__(self, chunk: Chunk, key: bytes, sample: int) -> None:
        self.chunk, self.key, self.sample = chunk, key, sample
        self.texts, self.spans = list[Text](), list[tuple[str, list[Span]]]()
        self._count = 0

    def text(self, place: str, said: str, done: Scrubbed) -> None:
        if not self.sample or len(said) < _SHORTEST_SAMPLE or not any(map(str.isspace, said.strip())):
            return
        self._count += 1
        order = keyed_hex(self.key, "sample", self.chunk.alias, place, str(self._count))
        self.texts.append(Text(order, self.chunk.alias, place, self.chunk.format, said, done))
        if len(self.texts) > 4 * self.sample:
            self.texts = nsmallest(self.sample, self.texts)

    def note(self, place: str, note: Note, done: Scrubbed) -> None:
        name = note.header.get("Note-ID", "").strip() or self.chunk.relative + ("" if place == "note" else f", {place}")
        self.spans.append((name, note_spans(note, done.spans)))


def note_spans(note: Note, found: tuple[Span, ...]) -> list[Span]:
    """Spans in the text of the file as it came: of a note with a header those of the header's values too.

    >>> note_spans(Note({}, "Ann", raw=b"Ann"), (Span(0, 3, "NAME"),))
    [Span(start=0, end=3, kind='NAME')]
    """
    if note.names or not note.header:
        return list(found)
    whole = note.raw.decode("utf-8").removeprefix("\ufeff")
    shift, at, spans = len(whole) - len(note.body), 0, list[Span]()
    for key, value in note.header.items():
        at = whole.index(value, whole.index(f"{key}:", at) + len(key) + 1)
        if value.strip() and key != "Type":
            spans.append(Span(at, at + len(value), _HEADER_KINDS.get(key, "ID")))
    return spans + [Span(one.start + shift, one.end + shift, one.kind) for one in found]


def as_lines(spans: list[tuple[str, list[Span]]]) -> bytes:
    """JSON lines of {"id", "spans": [[start, end, class], ...]}."""
    return b"".join(msgspec.json.encode({"id": name, "spans": found}) + b"\n" for name, found in spans)
