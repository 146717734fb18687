"""The rules of this package as a model: they learn nothing, and their bundle says which version of them spoke.

In        an `Extractor` (`fact.py`)
Out       a `Tagger`: each fact's span, or the span of one of its parts, under the target that it is called or mapped to
Refuses   to speak for a bundle that another version of the rules was sealed in.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bedside.bundle.runners.text_spans import Span
from bedside.core import canonical
from bedside.core.errors import Malformed, Misconfigured, Refused
from bedside.core.task_note import NoteTask
from bedside.pillars.text.fact import KINDS, Extractor
from bedside.pillars.text.options import WHERE, RulesOptions

SETTINGS = "rules.json"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """rules.json. kinds: fact kind, or kind.attribute, to target."""

    rules: str
    kinds: dict[str, str]
    schema: str = "bedside.text-rules/1"


def extractor() -> Extractor:
    """The rule path."""
    from bedside.pillars.text.rules import RuleExtractor

    return RuleExtractor()


def version() -> str:
    return extractor().name


def sealed(options: RulesOptions, task: NoteTask) -> dict[str, bytes]:
    """What is sealed; `Misconfigured` when a target is nothing that the rules find."""
    targets = {target.name for target in task.asks}
    kinds = options.kinds or {name: name for name in targets}
    strange = sorted(kind for kind in kinds if kind.partition(".")[0] not in KINDS)
    silent = sorted(targets - set(kinds.values()))
    if strange or silent:
        raise Misconfigured(f"rules find no {', '.join(strange or silent)}", where=f"{WHERE} kinds", do=f"map one of {', '.join(KINDS)} to each target")
    return {SETTINGS: canonical.dumps(Settings(version(), kinds))}


class Rules:
    """Facts as spans."""

    def __init__(self, found: Extractor, kinds: Mapping[str, str]) -> None:
        self.version, self._extractor, self._kinds = found.name, found, dict(kinds)

    def tag(self, text: str) -> list[Span]:
        spans: set[Span] = set()
        for fact in self._extractor.extract(text):
            if (target := self._kinds.get(fact.kind)) is not None:
                spans.add(Span(fact.start, fact.end, target))
            spans |= {Span(part.start, part.end, target) for name, part in fact.attributes.items()
                      if (target := self._kinds.get(f"{fact.kind}.{name}")) is not None}  # fmt: skip
        return sorted(spans)


def opened(files: Mapping[str, bytes], told: str, *, where: str) -> Rules:
    """The rules that a bundle was sealed with."""
    try:
        settings = msgspec.json.decode(files[SETTINGS], type=Settings)
    except (KeyError, msgspec.DecodeError) as error:
        raise Malformed("rules.json is absent or not readable", where=where, do="seal the bundle again") from error
    found = extractor()
    if found.name != told:
        raise Refused("the bundle was sealed with other rules than these", where=where, do="run the version of bedside that sealed it, or train again")
    return Rules(found, settings.kinds)
