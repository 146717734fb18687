"""What the lake's annotations say of each note, once each was held against the note's text.

In        notes (note_id, text) and ANNOTATION// events of a lake; annotation types to targets (core.task_note)
Out       `Gold`: the spans of each annotated note by target; annotations that were not taken, with source, place and reason
Rules     an annotation whose words are not in its place, or that lies outside the text, says that the note is not the one that was
          annotated: the note is left out with it. Of overlapping annotations of one target the longest is kept, and the note stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bedside.bundle.runners.text_spans import Span, apart
from bedside.core.task_note import ANNOTATION, NOTHING

if TYPE_CHECKING:
    import polars as pl

UNKNOWN_NOTE = "names a note that is not there"
SEVERAL_TEXTS = "names an id that several texts have"
UNREADABLE = "does not say where: note|start|end"
OUTSIDE = "lies outside the note's text"
OTHER_WORDS = "the note has other words in its place"
OVERLAPS = "overlaps a longer one of its kind"
_SPOILS = frozenset({OUTSIDE, OTHER_WORDS, UNREADABLE})


class Rejected(NamedTuple):
    """One annotation that was not taken. `source`: digest of its file and its line."""

    note_id: str
    source: str
    reason: str


class Gold(NamedTuple):
    """spans: note id to its spans, target as their kind; a note that is annotated and holds nothing has an empty list.

    spoiled   notes left out because an annotation does not fit them
    others    annotations of types that no target asks for, by type
    """

    spans: dict[str, list[Span]]
    rejected: list[Rejected]
    spoiled: set[str]
    others: dict[str, int]


class _Told(NamedTuple):
    note_id: str
    start: int
    end: int
    words: str


def gold(notes: Mapping[str, str], events: pl.DataFrame, target_of: Mapping[str, str], *, several: Collection[str] = ()) -> Gold:
    """Annotations of every note.

    notes    note id to text; several: ids of notes that were left out, since more than one text has them
    events   of the lake; those that are no annotation are passed over
    """
    import polars as pl

    rows = events.filter(pl.col("code").str.starts_with(ANNOTATION)).select("code", "text_value", "source")
    spans, rejected, others, spoiled = dict[str, list[tuple[Span, str]]](), list[Rejected](), Counter[str](), set[str]()
    for code, text, source in rows.iter_rows():
        kind = code.removeprefix(ANNOTATION)
        told, reason = _read(text or "", notes, none=kind == NOTHING)
        if reason:
            rejected.append(Rejected(told.note_id, source, SEVERAL_TEXTS if told.note_id in several else reason))
            spoiled |= {told.note_id} if reason in _SPOILS else set()
            continue
        own = spans.setdefault(told.note_id, [])
        if kind in target_of:
            own.append((Span(told.start, told.end, target_of[kind]), source))
        elif kind != NOTHING:
            others[kind] += 1
    kept = {note_id: _untangled(note_id, own, rejected) for note_id, own in spans.items() if note_id not in spoiled}
    return Gold(kept, rejected, spoiled & notes.keys(), dict(others))


def _read(text: str, notes: Mapping[str, str], *, none: bool) -> tuple[_Told, str]:
    """What an annotation's text says, and why it cannot be taken; empty when it can."""
    note_id, _, rest = text.partition("|")
    parts = rest.split("|", 2)
    if note_id not in notes:
        return _Told(note_id, 0, 0, ""), UNKNOWN_NOTE
    if none:
        return _Told(note_id, 0, 0, ""), ""
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts[:2]):
        return _Told(note_id, 0, 0, ""), UNREADABLE
    told = _Told(note_id, int(parts[0]), int(parts[1]), parts[2] if len(parts) > 2 else "")
    note = notes[note_id]
    if not told.start < told.end <= len(note):
        return told, OUTSIDE
    there = note[told.start : told.end]
    same = not told.words or there.split() == told.words.split()
    return told, "" if same and there == there.strip() else OTHER_WORDS


def _untangled(note_id: str, own: Sequence[tuple[Span, str]], rejected: list[Rejected]) -> list[Span]:
    """Spans of one note without overlaps inside a target; the same span said twice is one."""
    kept = [span for kind in sorted({span.kind for span, _ in own}) for span in apart(span for span, _ in own if span.kind == kind)]
    rejected += [Rejected(note_id, source, OVERLAPS) for span, source in own if span not in kept]
    return sorted(kept)


def reasons(rejected: Iterable[Rejected]) -> dict[str, int]:
    """How many annotations were not taken, by reason."""
    return dict(sorted(Counter(one.reason for one in rejected).items()))
