"""From [model] of study.toml to a tagger: what of it is fitted, what is sealed, and how a sealed one is opened again.

Out       `Model`: runner, its version, and the files that it opens from; `opened`: the taggers of a bundle by the name of their output
Beside    the dictionary of training spans, whatever the model is
Rules     are code of this package: their bundle holds their version, not them, and another version does not speak for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bedside.bundle.runners.crf import PHRASES, VERSION, Dictionary
from bedside.bundle.runners.text_spans import TAGGERS, Tagger
from bedside.bundle.sealed import Sealed
from bedside.core import canonical
from bedside.core.task_note import NoteTask
from bedside.pillars.text.options import CrfOptions, EncoderOptions, EndpointOptions, ModelOptions, RulesOptions
from bedside.pillars.text.tagger import crf
from bedside.pillars.text.tagger.said import DICTIONARY, MAIN

RULES = "text-rules"


class Model(NamedTuple):
    """What is sealed."""

    runner: str
    version: str
    files: dict[str, bytes]

    def taggers(self, *, where: str) -> dict[str, Tagger]:
        """The model and the dictionary, from these files."""
        return {MAIN: _tagger(self.runner, self.version, self.files, where), DICTIONARY: Dictionary(self.files, where=where)}


def fitted(options: ModelOptions, lessons: Sequence[crf.Lesson], task: NoteTask, root: Path) -> Model:
    """The model of these lessons; only a CRF and the dictionary beside every model learn from them."""
    phrases = {PHRASES: canonical.dumps(crf.dictionary(lessons))}
    if isinstance(options, CrfOptions):
        return Model("crf", VERSION, crf.fit(lessons, options))
    if isinstance(options, RulesOptions):
        from bedside.pillars.text.tagger import rules

        return Model(RULES, rules.version(), {**rules.sealed(options, task), **phrases})
    if isinstance(options, EncoderOptions):
        from bedside.pillars.text.tagger import encoder

        return Model("encoder", encoder.VERSION, {**encoder.sealed(options, task, root), **phrases})
    assert isinstance(options, EndpointOptions)
    from bedside.pillars.text.tagger import endpoint

    return Model("endpoint", endpoint.VERSION, {**endpoint.sealed(options, task), **phrases})


def opened(bundle: Sealed) -> dict[str, Tagger]:
    """The taggers of a sealed bundle."""
    return Model(bundle.manifest.runner, bundle.manifest.runner_version, dict(bundle.files)).taggers(where=bundle.where)


def _tagger(runner: str, version: str, files: Mapping[str, bytes], where: str) -> Tagger:
    if runner == RULES:
        from bedside.pillars.text.tagger.rules import opened as rules

        return rules(files, version, where=where)
    kind: Any = TAGGERS.get(runner)
    tagger: Tagger = kind(files, where=where)
    return tagger
