"""Steps in their order, and whether each must run: its parameters, inputs and code against the ledger.

A step is a function of a `Context` that writes its outputs under a staging folder and returns a `Done`.
The key of a step is the digest of its parameters, its inputs' digests and the package's code; a step whose newest entry
has the same key, and whose outputs still have the digests written there, is not run again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import bedside
from bedside.core import canonical
from bedside.core.ids import sha256_file
from bedside.core.receipt import Figure, Item, Receipt
from bedside.ledger.log import Entry, Ledger
from bedside.study import folder
from bedside.study.config import StudyFile

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring

_NOT_DATA = ("cli", "serve", "monitor", "demo")


@dataclass
class Context:
    """What a step may use: the study, its folder, the keyring, and the ledger so far."""

    root: Path
    study: StudyFile
    keyring: Keyring
    ledger: Ledger

    def path(self, name: str) -> Path:
        return self.root / name

    def outputs(self, step: str) -> list[Item]:
        """What the newest run of a step made."""
        entry = self.ledger.latest(step)
        return entry.receipt.outputs if entry else []


@dataclass
class Done:
    """What a step made: content digests of its outputs by name, rows, figures, counts."""

    content: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    counts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One verb of `bedside run`: what it owns in the folder, what it depends on, and how it is done."""

    name: str
    owns: tuple[str, ...]
    needs: tuple[str, ...]
    parameters: Callable[[Context], object]
    work: Callable[[Context, Path], Done]
    inputs: Callable[[Context], list[Item]] | None = None


def inputs_of(step: Step, context: Context) -> list[Item]:
    """A step's inputs: the outputs of the steps it needs, and its own (raw files under keyed digests)."""
    items = step.inputs(context) if step.inputs else []
    for name in step.needs:
        items += context.outputs(name)
    return sorted(items)


def key_of(step: Step, context: Context, inputs: list[Item]) -> str:
    """Digest of all that a step's outputs depend on."""
    told = [[item.name, item.content or item.digest] for item in inputs]
    return canonical.digest({"step": step.name, "parameters": step.parameters(context), "inputs": told, "code": code_version()})


def fresh(step: Step, context: Context) -> Entry | None:
    """The newest entry of a step when it need not run again."""
    entry = context.ledger.latest(step.name)
    if entry is None or entry.receipt.parameters.get("key") != key_of(step, context, inputs_of(step, context)):
        return None
    return None if altered(step, context) else entry


def altered(step: Step, context: Context) -> dict[str, int]:
    """How many of a step's files are not what its newest entry says: changed, missing, added; empty when all are, or nothing was made."""
    entry = context.ledger.latest(step.name)
    if entry is None:
        return {}
    made = {item.name: item.digest for item in entry.receipt.outputs}
    here = {name for top in step.owns for name in folder.listing(context.root, context.path(top))}
    changed = sum(folder.kind(context.path(name)) != "file" or sha256_file(context.path(name)) != made[name] for name in made.keys() & here)
    counts = {"changed": changed, "missing": len(made.keys() - here), "added": len(here - made.keys())}
    return {kind: many for kind, many in counts.items() if many}


def perform(step: Step, context: Context, *, replaced: dict[str, int]) -> Entry:
    """Run a step, put its outputs into place, and write its entry; `replaced` (see `altered`) goes into it when there is any."""
    with folder.enough_disk(context.root, step.name):
        return _performed(step, context, replaced)


def _performed(step: Step, context: Context, replaced: dict[str, int]) -> Entry:
    inputs = inputs_of(step, context)
    staged = folder.staging(context.root, step.name)
    done = step.work(context, staged)
    names = folder.publish(context.root, staged, step.owns)
    outputs = [Item(name, sha256_file(context.path(name)), done.content.get(name), done.rows.get(name)) for name in names]
    told = step.parameters(context)
    parameters = {"key": key_of(step, context, inputs), "told": told, **({"replaced": replaced} if replaced else {})}
    return context.ledger.append(Receipt(step.name, inputs, outputs, parameters, code_version(), done.figures, done.counts))


@lru_cache(maxsize=1)
def code_version() -> str:
    """The package's version and the digest of its code, as far as it makes data."""
    top = Path(bedside.__file__).parent
    seen = hashlib.sha256()
    for path in sorted(top.rglob("*")):
        parts = path.relative_to(top).parts
        if path.suffix in (".py", ".toml", ".csv") and parts[0] not in _NOT_DATA:
            seen.update("/".join(parts).encode() + b"\0" + path.read_bytes())
    return f"{bedside.__version__}+{seen.hexdigest()[:16]}"
