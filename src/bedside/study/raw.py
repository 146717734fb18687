"""Raw files against the ledger: each under its alias, none under its own name.

In        the study folder, the ledger's entries, the keyring or why there is none, and what lies outside the steps' outputs
Out       findings, notes, and which other files are raw files in disguise: those too are told under an alias only
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bedside.core.errors import BedsideError
from bedside.core.ids import keyed_file
from bedside.core.receipt import Item
from bedside.formats.files import Source, paths, unread
from bedside.ledger import verify as check
from bedside.ledger.log import Entry
from bedside.ledger.verify import Finding
from bedside.study.declaration import Declaration, beside, inside, taken_in, tops, within
from bedside.study.steps.sources import source_items

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring

_PREFIXES, RAW = ("raw:", "unread:"), "raw files"
SAID = {"link": "a symbolic link", "folder": "an empty folder", "other": "no plain file"}


class Found(msgspec.Struct):
    """What became of the raw files. `disguised` are names outside the sources that must not be printed."""

    findings: list[Finding] = []
    notes: list[str] = []
    disguised: set[str] = set()


def unasked(strays: Mapping[str, str]) -> Found:
    """Raw files left out; what lies outside the steps' own folders may be raw, moved, and so is counted and not named."""
    foreign = {name for name in strays if "/" in name and name.split("/")[0] not in {*tops(), "ledger"}}
    return Found(_withheld(foreign), ["raw files were not checked, as was asked"], foreign)


def examine(root: Path, entries: list[Entry], declaration: Declaration, keyring: Keyring | None, why: str, strays: Mapping[str, str]) -> Found:
    """Compare the sources with what was taken in.

    strays   name to kind of what lies elsewhere in the study folder and no entry made
    """
    here = [source for source in declaration.source if inside(root, source) or (root / source.path).exists()]
    away = [source.name for source in declaration.source if source not in here]
    notes = [f"raw files were not checked: those of {', '.join(away)} lie outside the study folder and are not here"] * bool(away)
    entry = taken_in(entries)
    taken = {item.name: (item, entry.seq) for item in entry.receipt.inputs if item.name.startswith(_PREFIXES)} if entry else {}
    then = {name: told for name, told in taken.items() if _source_of(name) in {source.name for source in here}}
    found = (
        _counted(root, here, then, declaration, why, strays) if keyring is None else _compared(root, here, then, declaration, keyring, strays)
    )
    return Found(found.findings, notes + found.notes, found.disguised)


def _compared(root: Path, here: list[Source], then: dict[str, tuple[Item, int]], declaration: Declaration, keyring: Keyring, strays: Mapping[str, str]) -> Found:
    """Every file by name and digest."""
    gone = [source for source in here if not (root / source.path).exists()]
    found, now = Found([_lost(source, then) for source in gone]), dict[str, str]()
    for source in here:
        if source not in gone:
            try:
                now |= {item.name: item.digest for item in source_items(source, declaration.deidentify.policy, keyring, root)}
            except BedsideError as error:
                found.findings.append(Finding("unchecked", f"raw:{source.name}", f"{error.what}: {error.where}"))
                then = {name: told for name, told in then.items() if _source_of(name) != source.name}
    taken = {item.digest: name for name, (item, _) in then.items()}
    elsewhere, odd = _disguised(root, strays, beside(root, declaration), taken, keyring)
    found.disguised = set(elsewhere)
    now |= dict(elsewhere.values())
    told = check.files(Path(), then, now, digest=lambda path: now[path.as_posix()], odd=odd, did="took in")
    found.findings += [_copy(one, taken[now[one.name]]) if one.kind == "added" and now.get(one.name) in taken else one for one in told]
    return found


def _copy(added: Finding, of: str) -> Finding:
    return msgspec.structs.replace(added, detail=f"it is a copy of {of}") if of.startswith("raw:") else added


def _disguised(root: Path, strays: Mapping[str, str], areas: set[str], taken: Mapping[str, str], keyring: Keyring) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Files outside the sources that lie beside them or are copies of theirs: name to (alias, digest); and those that are no files."""
    from bedside.deidentify.transform import alias

    found, odd, ours = dict[str, tuple[str, str]](), dict[str, str](), tops()
    for name, kind in strays.items():
        digest = keyed_file(keyring.file_key, root / name) if (root / name).is_file() else ""
        if digest in taken or (within(name, areas) and name not in areas):
            called = alias(name, keyring, words=[name.split("/")[0]] if name.split("/")[0] in ours else ())
            found[name] = (called, digest)
            if kind != "file":
                odd[called] = SAID[kind]
    return found, odd


def _counted(root: Path, here: list[Source], then: dict[str, tuple[Item, int]], declaration: Declaration, why: str, strays: Mapping[str, str]) -> Found:
    """Without the keyring: how many files there are, since neither names nor digests can be compared."""
    before, found = Counter(_source_of(name) for name in then), Found()
    for source in here:
        top = root / source.path
        now = len(paths(source, root)) + len(unread(source, root)) if top.exists() else 0
        if not top.exists():
            found.findings.append(_lost(source, then))
        elif now != before[source.name]:
            kind, many = ("missing", before[source.name] - now) if now < before[source.name] else ("added", now - before[source.name])
            found.findings.append(Finding(kind, f"raw:{source.name}", f"{many} of its files: {before[source.name]} were taken in, {now} lie there"))
    areas = beside(root, declaration)
    found.disguised = set(strays) if found.findings else {name for name in strays if within(name, areas)}
    found.findings += _withheld(found.disguised - areas)
    if any(inside(root, source) for source in here):
        found.findings.append(Finding("unchecked", RAW, f"they could not be checked: {why}; bring it, or give --without-raw"))
    elif here:
        found.notes.append(f"raw files were not checked: {why}")
    return found


def _withheld(names: set[str]) -> list[Finding]:
    """Files that may be raw ones, moved: counted by folder, since only the keyring could give them another name."""
    places = Counter(top if (top := name.split("/")[0]) in tops() else RAW for name in names)
    return [Finding("added", top, f"{many} files that no entry of the ledger made; they may be raw, so they are not named") for top, many in sorted(places.items())]


def _lost(source: Source, then: Mapping[str, object]) -> Finding:
    many = sum(_source_of(name) == source.name for name in then)
    return Finding("missing", f"raw:{source.name}", f"the folder or file of this source is not there, with {many} files that were taken in")


def _source_of(name: str) -> str:
    return name.split(":", 1)[1].split("/", 1)[0]
