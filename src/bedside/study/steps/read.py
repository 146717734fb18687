"""Safe files to the lake, every record accounted for."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bedside.core.accounts import reconcile, total
from bedside.core.errors import Misconfigured
from bedside.core.ids import sha256_file
from bedside.core.progress import track
from bedside.core.receipt import Item
from bedside.readers.reading import States
from bedside.study.plan import Context, Done
from bedside.study.steps.sources import load_safe, mappings, safe_files, timezones


def extractor(context: Context) -> States | None:
    """What reads the notes for facts, as [text] says; None when they are kept as they are."""
    if not context.study.text.extract:
        return None
    from bedside.codes.terminology import terms
    from bedside.pillars.text.events import stating
    from bedside.pillars.text.rules import RuleExtractor

    return stating(RuleExtractor(term for path in _terminologies(context) for term in terms(path)))


def _terminologies(context: Context) -> list[Path]:
    """The terminologies that a person brings; not inside the study folder, which is handed on where a licence is not."""
    named = [context.path(name) for name in context.study.text.terminologies]
    if any(path.resolve().is_relative_to(context.root.resolve()) for path in named):
        raise Misconfigured("a terminology lies inside the study folder, which is handed on with all that it holds", where="study.toml, [text] terminologies",
                            do="keep it outside, and name it by a path such as ../terminologies/rxnorm")  # fmt: skip
    return named


def terminology_items(context: Context) -> list[Item]:
    """The terminologies that a person brings, by their digests."""
    from bedside.codes.terminology import files_of

    found = [path for top in _terminologies(context) for path in files_of(top)] if context.study.text.extract else []
    return [Item(f"terminology:{path.name}", sha256_file(path)) for path in found]


def read(context: Context, out: Path) -> Done:
    """Every safe file to events, merged over feeds and written as the lake."""
    from bedside.lake.store import write
    from bedside.readers.read import read as read_file

    maps, zones = mappings(context), timezones(context)
    safe = load_safe(context)
    states = extractor(context)
    readings = (
        read_file(file, mapping=maps.get(file.source), timezone=zones.get(file.source), states=states)
        for file in track(safe_files(context), "read")
    )
    written = write(readings, out / "lake", name=context.study.name, rejects=safe.rejects, made=context.study.made)
    reconcile(written.tallies)
    return Done(content=written.content, rows=written.rows, counts={"records": msgspec.to_builtins(total(written.tallies)), "events": written.events,
                "merged_facts": written.merged, **({"note_facts": written.facts} if states is not None else {}), "tallies": msgspec.to_builtins(written.tallies)})  # fmt: skip
