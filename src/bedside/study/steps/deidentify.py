"""Raw files to safe files: survey, transform, and the proof that nothing strong is left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bedside.core import canonical
from bedside.core.accounts import total
from bedside.core.errors import Refused
from bedside.core.progress import say, track
from bedside.formats.files import RawFile
from bedside.study import folder
from bedside.study.plan import Context, Done
from bedside.study.steps.sources import AS_RECEIVED, Safe, mappings, raw_files, timezones

if TYPE_CHECKING:
    from bedside.deidentify.batch import Doer
    from bedside.deidentify.policy import Policy
    from bedside.deidentify.residue import Hit

_SHOWN = 5


class Review(msgspec.Struct, frozen=True):
    """One file's weak hits of one kind, for a person to look at."""

    file: str
    kind: str
    count: int
    places: list[str]
    reason: str


def deidentify(context: Context, out: Path) -> Done:
    """Survey every raw file, save the map, transform every file, prove that nothing strong is left."""
    if context.study.deidentify.policy == AS_RECEIVED:
        return _as_received(context, out)
    from bedside.deidentify import batch
    from bedside.deidentify.work import start
    from bedside.study.worker import doer, how_many

    rules, files = folder.rules(context.root, context.study.deidentify.policy), raw_files(context)
    begun = start(context.keyring, rules, mappings=mappings(context), timezones=timezones(context), detector=context.study.deidentify.detector)
    with doer(begun, how_many(files)) as workers:
        met = _survey(context, files, workers)
        made = batch.transform(track(files, "deidentify"), out / "safe", context.keyring, rules, workers)
        residue = prove(out / "safe", rules, workers)
        context.keyring.must_be_same(where="the end of de-identification")
    safe = Safe("bedside.deidentify/1", rules.name, context.keyring.id, made.tallies, made.rejects, made.actions, residue)
    (out / "safe").mkdir(exist_ok=True)
    (out / "safe" / "deidentify.json").write_bytes(canonical.dumps(safe))
    return Done(counts={"records": msgspec.to_builtins(made.records), "actions": made.actions, "residue": residue, "survey": met})


def _as_received(context: Context, out: Path) -> Done:
    """The files as they are: their sender has de-identified them, and says so."""
    for file in track(raw_files(context), "deidentify"):
        place = out / "safe" / file.source / file.alias
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, place)
    safe = Safe("bedside.deidentify/1", AS_RECEIVED, context.keyring.id, [], [], {}, {})
    (out / "safe").mkdir(exist_ok=True)
    (out / "safe" / "deidentify.json").write_bytes(canonical.dumps(safe))
    return Done(counts={"records": msgspec.to_builtins(total([])), "actions": {}, "residue": {}, "survey": {}})


def _survey(context: Context, files: list[RawFile], workers: Doer) -> dict[str, int]:
    """Fill the patient map. What it came to goes to the ledger; merged people get other pseudonyms, and so are told aloud."""
    from bedside.deidentify import batch

    found = batch.survey(files, context.keyring, workers)
    if found.merged:
        say(f"  {found.merged} people known from earlier runs turned out to be another one: all their records now bear one name")
    return {name: getattr(found, name) for name in ("subjects", "new", "merged", "linked", "conflicts")}


def prove(safe: Path, rules: Policy, workers: Doer) -> dict[str, object]:
    """The residue proof; a strong hit stops the run, and what was made is taken away again."""
    from bedside.deidentify import batch

    residue = batch.prove(safe, workers, keeps=permitted(rules))
    if residue.strong:
        shutil.rmtree(safe)
        kinds = ", ".join(f"{sum(hit.count for hit in hits)} {kind}" for kind, hits in _by_kind(residue.strong_hits).items())
        found = "; ".join(f"{hit.file}: {hit.count} of kind {hit.kind} ({_places(hit)})" for hit in residue.strong_hits[:_SHOWN])
        raise Refused(
            f"the residue proof found strong identifiers in de-identified files ({kinds}); nothing was written",
            where=f"safe/: {found}" + (" and more" if len(residue.strong_hits) > _SHOWN else ""),
            do='look for a column of the mapping that is kept and should not be (role "keep"), else report the kind and format',
        )
    _for_review(residue.weak_hits, safe)
    return {
        name: [{key: hit[key] for key in ("file", "kind", "count")} for hit in told] if name.endswith("_hits") else told
        for name, told in msgspec.to_builtins(residue).items()
    }


def permitted(rules: Policy) -> tuple[str, ...]:
    """Weak identifiers that a policy lets stand."""
    return (*(("zip",) if rules.zip_digits == 5 else ()), *(("birth date",) if rules.dates == "keep" and rules.birth_date == "full" else ()))


def _for_review(hits: list[Hit], safe: Path) -> None:
    """safe/review.json: where a person should look, and why; never what stands there."""
    from bedside.deidentify.residue import WEAK_REASONS

    review = [Review(hit.file, hit.kind, hit.count, hit.places, WEAK_REASONS[hit.kind]) for hit in hits]
    safe.mkdir(exist_ok=True)
    (safe / "review.json").write_bytes(canonical.dumps({"schema": "bedside.review/1", "hits": review}))
    if review:
        kinds = ", ".join(f"{sum(hit.count for hit in found)} {kind}" for kind, found in _by_kind(hits).items())
        say(f"  {sum(hit.count for hit in hits)} weak hits of the residue proof are for review, see safe/review.json: {kinds}")


def _by_kind(hits: list[Hit]) -> dict[str, list[Hit]]:
    return {kind: [hit for hit in hits if hit.kind == kind] for kind in sorted({hit.kind for hit in hits})}


def _places(hit: Hit) -> str:
    return ", ".join(hit.places[:_SHOWN]) + (" and more" if len(hit.places) > _SHOWN else "")
