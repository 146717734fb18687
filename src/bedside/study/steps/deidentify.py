"""Raw files to safe files: survey, transform, and the proof that nothing strong is left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from bedside.core import canonical
from bedside.core.accounts import Reject, Tally, reconcile, total
from bedside.core.errors import Refused
from bedside.core.progress import say, track
from bedside.formats.files import RawFile, paths
from bedside.study.plan import Context, Done
from bedside.study.steps.sources import AS_RECEIVED, Safe, mappings, raw_files, timezones

_SHOWN = 5


def deidentify(context: Context, out: Path) -> Done:
    """Survey every raw file, save the map, transform every file, prove that nothing strong is left."""
    from bedside.deidentify.policy import policy
    from bedside.deidentify.transform import transform

    rules, maps, zones = policy(context.study.deidentify.policy), mappings(context), timezones(context)
    met = {} if context.study.deidentify.policy == AS_RECEIVED else _survey(context, maps, zones)
    tallies, rejects, actions = list[Tally](), list[Reject](), dict[str, int]()
    for file in track(raw_files(context), "deidentify"):
        place = out / "safe" / file.source / file.alias
        place.parent.mkdir(parents=True, exist_ok=True)
        if context.study.deidentify.policy == AS_RECEIVED:
            shutil.copyfile(file.path, place)
            continue
        made = transform(
            file, policy=rules, keyring=context.keyring, mapping=maps.get(file.source), timezone=zones.get(file.source)
        )
        tallies.append(made.tally)
        rejects += made.rejects
        for action, count in made.actions.items():
            actions[action] = actions.get(action, 0) + count
        if made.data is not None:
            place.write_bytes(made.data)
    reconcile(tallies)
    residue = {} if context.study.deidentify.policy == AS_RECEIVED else _prove(context, out / "safe")
    safe = Safe("bedside.deidentify/1", context.study.deidentify.policy, context.keyring.id, tallies, rejects, actions, residue)
    (out / "safe").mkdir(exist_ok=True)
    (out / "safe" / "deidentify.json").write_bytes(canonical.dumps(safe))
    return Done(counts={"records": msgspec.to_builtins(total(tallies)), "actions": actions, "residue": residue, "survey": met})


def _survey(context: Context, maps: dict[str, dict[str, Any]], zones: dict[str, str | None]) -> dict[str, int]:
    """Fill the patient map. What it came to goes to the ledger; merged people get other pseudonyms, and so are told aloud."""
    from bedside.deidentify.survey import survey

    files = [
        RawFile(source.name, source.format, path, relative, relative, source.encoding)
        for source in context.study.source
        for path, relative in paths(source, context.root)
    ]
    found = survey(files, context.keyring, mappings=maps, timezones=zones)
    if found.merged:
        say(f"  {found.merged} people known from earlier runs turned out to be another one: all their records now bear one name")
    return {name: getattr(found, name) for name in ("subjects", "new", "merged", "linked", "conflicts")}


def _prove(context: Context, safe: Path) -> dict[str, object]:
    """The residue proof; a strong hit stops the run, and what was made is taken away again."""
    from bedside.deidentify.residue import prove

    outputs = ((path.relative_to(safe).as_posix(), path.read_bytes()) for path in sorted(safe.rglob("*")) if path.is_file())
    permitted = ("zip", "birth date") if context.study.deidentify.policy == "limited-data-set" else ()
    residue = prove(outputs, context.keyring, keeps=permitted)
    if residue.strong:
        shutil.rmtree(safe)
        found = "; ".join(f"{hit.file}: {hit.count} of kind {hit.kind}" for hit in residue.strong_hits[:_SHOWN])
        raise Refused(
            f"the residue proof found strong identifiers in de-identified files ({residue.strong}); nothing was written",
            where=f"safe/: {found}" + (" and more" if len(residue.strong_hits) > _SHOWN else ""),
            do='look for a column of the mapping that is kept and should not be (role "keep"), else report the kind and format',
        )
    told = msgspec.to_builtins(residue)
    return told if isinstance(told, dict) else {}
