"""Fit a conditional random field to annotated notes, from scratch: no pretrained word, vector or list.

In        texts with their spans; options
Out       the files of runner "crf" (`bundle/runners/crf.py`)
Method    L-BFGS with both penalties. What a dictionary of training spans says of a training note, and what the first pass says of it for
          the second, come from the other `folds` of notes: otherwise the model would trust them more than they deserve.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bedside.bundle.runners.crf import PASSES, PHRASES, SETTINGS, Labels, Settings, Weights
from bedside.bundle.runners.crf_dictionary import Phrases
from bedside.bundle.runners.crf_features import Features, Note, features
from bedside.bundle.runners.crf_labels import labels_of
from bedside.bundle.runners.crf_words import sentences
from bedside.bundle.runners.text_spans import Span, apart
from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.lazy import need
from bedside.core.progress import track
from bedside.pillars.text.options import CrfOptions

FEWEST = 2


class Lesson(NamedTuple):
    """One note to learn from."""

    text: str
    spans: list[Span]


def fit(lessons: Sequence[Lesson], options: CrfOptions) -> dict[str, bytes]:
    """Fit; the same lessons in the same order give the same bytes.

    Raises `Unusable` when fewer than two notes hold a span.
    """
    taught = sum(bool(lesson.spans) for lesson in lessons)
    if taught < FEWEST:
        raise Unusable(f"only {taught} development notes hold an annotation", where=f"{len(lessons)} notes", do="annotate more notes")
    course = _Course(lessons, options)
    passes = [course.trained(course.rows)]
    if options.passes == 2:
        passes.append(course.trained(course.again(course.said_by_others())))
    kinds = sorted({span.kind for lesson in lessons for span in lesson.spans})
    return {SETTINGS: canonical.dumps(Settings(kinds, len(passes))), PHRASES: canonical.dumps(dictionary(lessons)),
            **dict(zip(PASSES, passes, strict=False))}  # fmt: skip


class _Course:
    """The lessons as the trainer reads them. What a note is told by a dictionary or a first pass comes from other folds than its own."""

    def __init__(self, lessons: Sequence[Lesson], options: CrfOptions) -> None:
        self.options = options
        self.notes = [Note.of(list(sentences(lesson.text))) for lesson in lessons]
        self.truth = [_labels(note, lesson) for note, lesson in zip(self.notes, lessons, strict=True)]
        self.folds = min(options.folds, len(lessons))
        self.phrases = [dictionary([one for i, one in enumerate(lessons) if i % self.folds != k]) for k in range(self.folds)]
        self.rows = self.again([None] * len(lessons))

    def again(self, said: Sequence[list[Labels] | None]) -> list[list[Features]]:
        """Features of every note, with what a first pass said."""
        return [features(note, self.phrases[i % self.folds], told) for i, (note, told) in enumerate(zip(self.notes, said, strict=True))]

    def said_by_others(self) -> list[list[Labels] | None]:
        """The first pass's labels of every note, by a model that did not learn from it."""
        said: list[list[Labels] | None] = [None] * len(self.notes)
        for k in track(range(self.folds), "fit the CRF's first pass"):
            weights = Weights(self.trained(self.rows, without=k), where="first pass")
            for i in range(k, len(self.notes), self.folds):
                said[i] = [weights.labels(sentence) for sentence in self.rows[i]]
        return said

    def trained(self, rows: Sequence[Sequence[Features]], *, without: int | None = None) -> bytes:
        """A model of all notes, or of all but one fold."""
        trainer: Any = need("pycrfsuite", extra="text").Trainer(verbose=False)
        for i, (note, labels) in enumerate(zip(rows, self.truth, strict=True)):
            if i % self.folds != without:
                for pair in zip(note, labels, strict=True):
                    trainer.append(*pair)
        trainer.set_params({"c1": self.options.l1, "c2": self.options.l2, "max_iterations": self.options.iterations,
                            "feature.possible_transitions": True})  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            trainer.train(str(path))
            return path.read_bytes()


def dictionary(lessons: Sequence[Lesson]) -> Phrases:
    """The phrases that are annotated in at least half of their places."""
    pairs = [(lesson.text[span.start : span.end], span.kind) for lesson in lessons for span in lesson.spans]
    return Phrases.learn(pairs, against=[lesson.text for lesson in lessons])


def _labels(note: Note, lesson: Lesson) -> list[Labels]:
    """Labels of a note's words. Where targets overlap each other the longer span is learned: one word has one label."""
    own = [(span.start, span.end, span.kind) for span in apart(lesson.spans)]
    return [labels_of(sentence, own) for sentence in note.sentences]
