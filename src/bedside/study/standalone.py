"""De-identification without a study: any files and folders in, the same files without identifiers out.

In        paths of any of the five formats, told apart by content; a policy; a key file, made when absent; known patients if there are any
Out       OUT/: the files under pseudonymous names, deidentify.json (counts, rejects, what was done, the proof), review.json (weak hits)
Rules     OUT appears whole or not at all. What is none of the formats, or cannot be read, is quarantined with its reason and never copied.
Elsewhere the work itself: `deidentify/batch.py`; as a step of a study: `steps/deidentify.py`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.core import canonical
from bedside.core.accounts import Reject, Tally, reconcile, total
from bedside.core.errors import Malformed, Misconfigured, Refused
from bedside.core.ids import keyed_file
from bedside.core.progress import track
from bedside.core.time import UNSTATED
from bedside.formats.chunks import chunks
from bedside.formats.files import RawFile, Source, paths
from bedside.formats.sniff import format_of
from bedside.study.steps.deidentify import prove

if TYPE_CHECKING:
    from bedside.deidentify.batch import Batch, Doer
    from bedside.deidentify.keyring import Keyring
    from bedside.deidentify.patients import KnownIdentifiers
    from bedside.deidentify.policy import Policy

SOURCE = "files"
_FOREIGN = "none of the formats: FHIR, HL7 v2, a table, DICOM, a note"


class Result(msgspec.Struct, frozen=True):
    """What became of the files. `records` are resources, messages, rows, instances and notes."""

    out: str
    policy: str
    digest: str
    keyring: str
    made_key: bool
    files: dict[str, int]
    records: Tally
    subjects: int
    quarantined: list[Reject]
    actions: dict[str, int]
    residue: dict[str, object]
    spans: str | None = None
    review: str | None = None


class Asked(msgspec.Struct, frozen=True):
    """What was asked for, as given on the command line."""

    policy: str = "expert-determination"
    naming: str = "sealed"
    known: Path | None = None
    detector: str = "rules"
    spans: Path | None = None
    sample: int = 0
    workers: int | None = None
    timezone: str | None = None
    mapping: str | None = None
    with_original: bool = False


def deidentify(given: Sequence[Path], out: Path, key: Path, asked: Asked) -> Result:
    """De-identify files and folders. Raises `Refused` where OUT holds something, or where the proof finds a strong identifier."""
    from bedside.deidentify import batch, known_file
    from bedside.deidentify.policy import policy
    from bedside.deidentify.work import start
    from bedside.study.worker import doer, how_many

    _check_places(given, out, key, asked)
    rules = policy(asked.policy)
    known = known_file.read(asked.known) if asked.known is not None else []
    files, foreign = _found(given)
    keyring, made = _keyring(key, asked.naming)
    named = [_named(file, keyring) for file in files]
    mapping = _mapping(named, asked.mapping, [identifiers for _, identifiers in known])
    begun = start(
        keyring, rules, mappings={SOURCE: mapping}, timezones={SOURCE: asked.timezone or UNSTATED}, detector=asked.detector, nobody=True,
        sample=asked.sample, spans=asked.spans is not None,
    )  # fmt: skip
    part, whole = out.with_name(f".{out.name}.part-{os.getpid()}"), False
    try:
        part.mkdir(parents=True)
        with doer(begun, asked.workers if asked.workers is not None else how_many(named)) as workers:
            met = batch.survey(named, keyring, workers, known=known)
            done = batch.transform(track(named, "deidentify"), part, keyring, rules, workers, sample=asked.sample, spans=asked.spans, flat=True)
            done = _with_foreign(done, foreign, keyring)
            residue = _prove(part, rules, keyring, workers)
        _write(part, done, residue, _columns(named, mapping))
        keyring.must_be_same(where="the end of de-identification")
        if out.exists():
            out.rmdir()
        part.rename(out)
        whole = True
        review = _review(out, done, rules, asked) if asked.sample else None
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if not whole and asked.spans is not None:
            asked.spans.unlink(missing_ok=True)
    return Result(
        str(out), rules.name, rules.digest, keyring.id, made, dict(sorted(Counter(file.format for file in files).items())), done.records,
        met.subjects, done.rejects, done.actions, residue, str(asked.spans) if asked.spans else None, review,
    )  # fmt: skip


def _check_places(given: Sequence[Path], out: Path, key: Path, asked: Asked) -> None:
    """Neither the output nor the key may lie where it would be read as input, or leave with the output."""
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise Refused("the output folder holds something already", where=f"--out {out.name}", do="give a folder that is empty or does not exist")
    whole, secret = out.resolve(), key.resolve()
    for path in given:
        if not path.exists():
            raise Misconfigured("no such file or folder", where=f"argument {path.name}", do="correct the path")
        if path.resolve() in (whole, *whole.parents) and path.is_dir():
            raise Refused("the output folder lies inside the raw files", where="--out", do="give a folder elsewhere")
        if path.is_dir() and path.resolve() in secret.parents:
            raise Refused("the key lies among the raw files", where="--key", do="keep it in a folder of its own")
    if whole in secret.parents:
        raise Refused("the key would lie beside what it names", where="--key", do="keep it in a folder of its own")
    if asked.spans is not None and whole in asked.spans.resolve().parents:
        raise Refused("the spans bear the notes' own names, and the output must not", where="--spans", do="write them elsewhere")


def _found(given: Sequence[Path]) -> tuple[list[RawFile], list[RawFile]]:
    """Every file under its format, and those that have none."""
    files, foreign = list[RawFile](), list[RawFile]()
    for at, path in enumerate(given):
        prefix = "" if len(given) == 1 else f"{at + 1}/"
        for place, relative in paths(Source(SOURCE, "notes", str(path.resolve())), Path("/")):
            kind = format_of(place)
            file = RawFile(SOURCE, kind or "notes", place, prefix + relative, prefix + relative)
            (files if kind else foreign).append(file)
    return files, foreign


def _keyring(key: Path, naming: str) -> tuple[Keyring, bool]:
    from bedside.deidentify.keyring import Keyring

    there = key.exists()
    key.parent.mkdir(parents=True, exist_ok=True)
    return Keyring.at(key, naming="keyed" if naming == "keyed" else "sealed"), not there


def _named(file: RawFile, keyring: Keyring) -> RawFile:
    from bedside.deidentify.transform import alias

    return msgspec.structs.replace(file, alias=alias(file.relative, keyring))


def _mapping(files: Sequence[RawFile], mapping: str | None, known: Sequence[KnownIdentifiers]) -> dict[str, Any]:
    """The roles of columns: declared, or else proposed by what the columns are called and hold at the beginning of each table."""
    from bedside.deidentify.profile import proposal
    from bedside.readers.mapping import load

    return load(mapping, Path(), roles_only=True) if mapping else proposal(_beginnings(files), known=known)


def _beginnings(files: Sequence[RawFile]) -> Iterator[RawFile]:
    for file in files:
        if file.format == "tables":
            try:
                yield next(chunks(file))
            except Malformed:
                continue


def propose(given: Sequence[Path], place: Path) -> dict[str, Any]:
    """Write the mapping that would be used for tables without one, for a person to correct and give back as --mapping."""
    files, _ = _found(given)
    mapping = _mapping(files, None, [])
    lines = ['schema = "bedside.mapping/1"', 'name = "proposed"']
    for name, table in mapping["tables"].items():
        lines += ["", f"[tables.{name}]", *(f"{key} = {_toml(table[key])}" for key in ("files", "subject", "encounter", "time_formats") if table.get(key))]
        lines += [f"[tables.{name}.roles]", *(f"{_toml(column)} = {_toml(role)}" for column, role in table["roles"].items())]
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return mapping


def _toml(value: object) -> str:
    """A text, or a list of texts, as TOML: its basic strings have the escapes of JSON."""
    return json.dumps(value, ensure_ascii=False)


def _with_foreign(done: Batch, foreign: Sequence[RawFile], keyring: Keyring) -> Batch:
    """The files that are none of the formats, counted and quarantined."""
    tallies, rejects = list(done.tallies), list(done.rejects)
    for file in (_named(one, keyring) for one in foreign):
        tally = Tally(SOURCE, file.alias)
        reason = _FOREIGN if file.path.stat().st_size else "an empty file"
        tally.quarantine(reason)
        tallies.append(tally)
        rejects.append(Reject(SOURCE, file.alias, "file", reason, keyed_file(keyring.file_key, file.path)))
    reconcile(tallies)
    return msgspec.structs.replace(done, tallies=tallies, rejects=rejects)


def _prove(part: Path, rules: Policy, keyring: Keyring, workers: Doer) -> dict[str, object]:
    return {} if rules.unchanged else prove(part, rules, workers)


def _columns(files: Sequence[RawFile], mapping: dict[str, Any]) -> dict[str, list[str]]:
    """The role of each column of each table, in the order of the columns: their names may tell, and are not told."""
    from bedside.deidentify.tables import rule_of

    rules = ((file.alias, rule_of(mapping, file.relative)) for file in files if file.format == "tables")
    return {alias: [str(role) for role in (rule.get("roles") or {}).values()] for alias, rule in rules if rule is not None}


def _write(part: Path, done: Batch, residue: dict[str, object], columns: dict[str, list[str]]) -> None:
    record = {
        "schema": "bedside.deidentify/2", "policy": done.policy, "digest": done.digest, "keyring": done.keyring,
        "records": msgspec.to_builtins(total(done.tallies)), "files": msgspec.to_builtins(done.tallies),
        "quarantined": msgspec.to_builtins(done.rejects), "actions": done.actions, "residue": residue,
        "columns": columns,
    }  # fmt: skip
    (part / "deidentify.json").write_bytes(canonical.dumps(record))


def _review(out: Path, done: Batch, rules: Policy, asked: Asked) -> str:
    """The page for a person, beside OUT and not in it: a text on it may hold what slipped through."""
    from bedside.study import review

    place = out.with_name(f"{out.name}.review.html")
    drawn = review.samples(done.texts, with_original=asked.with_original)
    review.write(place, drawn, title=f"{out.name}: {len(drawn)} texts", policy=rules.name, digest=rules.digest)
    return str(place)
