"""A tagger as an extractor of facts: the same interface as the rules, so that whatever reads facts reads both.

In        a tagger (from a bundle, say), and which kind of fact each of its targets is
Out       facts with the tagger's score; their axes (negated, uncertain, when, whose) by the rules of `context.py`
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bedside.bundle.runners.text_spans import Tagger
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Misconfigured
from bedside.pillars.text.context import axes
from bedside.pillars.text.fact import KINDS, Fact, Kind
from bedside.pillars.text.rules.note import Note
from bedside.pillars.text.tagger.models import opened
from bedside.pillars.text.tagger.said import MAIN


class TaggedExtractor:
    """What a tagger finds, as facts.

    kinds   target to fact kind; spans of other targets are passed over
    """

    def __init__(self, tagger: Tagger, *, name: str, kinds: Mapping[str, Kind]) -> None:
        strange = sorted(set(kinds.values()) - set(KINDS))
        if strange:
            raise Misconfigured(f"no fact is of kind {', '.join(strange)}", where="kinds", do=f"choose from {', '.join(KINDS)}")
        self._tagger, self._name, self._kinds = tagger, name, dict(kinds)

    @classmethod
    def open(cls, folder: Path | str, *, kinds: Mapping[str, Kind]) -> TaggedExtractor:
        """The main tagger of a bundle, named by its digest."""
        sealed = Sealed.open(folder)
        return cls(opened(sealed)[MAIN], name=f"{sealed.manifest.name}/{sealed.digest[:12]}", kinds=kinds)

    @property
    def name(self) -> str:
        return self._name

    def extract(self, text: str) -> list[Fact]:
        """The facts of a text, sorted by start, then end."""
        note = Note(text)
        spans = [span for span in self._tagger.tag(text) if span.kind in self._kinds]
        facts: list[Fact] = []
        for span, told in zip(spans, axes(note.words, note.sentences, [(span.start, span.end) for span in spans]), strict=True):
            section = note.section_at(span.start)
            facts.append(Fact(
                self._kinds[span.kind], span.start, span.end, text[span.start : span.end], negated=told.negated, uncertain=told.uncertain,
                temporality=told.temporality, experiencer=told.experiencer, section=section.name if section else None,
                sentence=note.sentence_at(span.start), score=span.score,
            ))  # fmt: skip
        return facts
