"""A study, from Python: run it, and get its events, features, predictions, evaluation and ledger as frames and records.

>>> from bedside import Study                                   # doctest: +SKIP
>>> study = Study("my-study").run()                             # doctest: +SKIP
>>> study.predictions().filter(output="risk")                   # doctest: +SKIP
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bedside.core import canonical
from bedside.core.errors import Misconfigured, Unusable
from bedside.core.extras import lacking, line_to_type
from bedside.core.ids import sha256_file
from bedside.core.predictions import TRUTHS
from bedside.core.progress import say
from bedside.core.receipt import Item, Receipt
from bedside.ledger.log import Entry, Ledger
from bedside.study import folder
from bedside.study.config import StudyFile, load
from bedside.study.custody import refuse_rotated
from bedside.study.plan import Context, Step, altered, fresh, perform
from bedside.study.steps import STEPS

if TYPE_CHECKING:
    import polars as pl

    from bedside.deidentify.keyring import Keyring
    from bedside.evaluate.judged import Test
    from bedside.ledger.verify import Verdict

_PREDICTED = {"test": "test", "development": "train"}


class Ran(msgspec.Struct, frozen=True):
    """What one step came to in one run: whether it ran, for how long, and its entry in the ledger."""

    step: str
    ran: bool
    seconds: float
    seq: int
    counts: dict[str, object]


class Study:
    """A study folder. Reading needs no keyring; `run` does."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.root = Path(path).resolve()
        self.file: StudyFile = load(self.root / "study.toml", sources=False)

    def run(self, only: Sequence[str] | None = None, *, quiet: bool = False) -> list[Ran]:
        """Run the stale steps in order, or just those named in `only`; a finished step is not run again.

        Raises `Misconfigured` for a step that is none, and whatever its room raises; what is done stays done.
        """
        _known(only)
        if only is None or "deidentify" in only:
            load(self.root / "study.toml")
        with folder.locked(self.root):
            folder.clear(self.root)
            context = self.context()
            self._write_plan(context.ledger)
            if not quiet and (only is None or "train" in only):
                _tell_of_extras(self.file.task)
            try:
                return [_one(step, context, quiet) for step in STEPS if only is None or step.name in only]
            finally:
                folder.clear(self.root)

    def events(self) -> pl.DataFrame:
        """The lake's events, contract 1."""
        from bedside.lake.store import Lake

        return Lake(self._made("lake", "read")).events()

    def features(self) -> pl.DataFrame:
        """One row a decision: its unit, subject, prediction time and split, then every feature."""
        import polars as pl

        rows = pl.read_parquet(self._made("cohort/decisions.parquet", "cohort")).drop(TRUTHS, strict=False)
        return rows.join(
            pl.read_parquet(self._made("cohort/features.parquet", "cohort")), on="unit_id", how="left", maintain_order="left"
        )

    def predictions(self, split: str = "test") -> pl.DataFrame:
        """Predictions of the test split (default) or of "development", contract 4; `Misconfigured` for any other."""
        import polars as pl

        if split not in _PREDICTED:
            raise Misconfigured(f"there are no predictions of a split called {split!r}", where="Study.predictions",
                                do=f"choose from {', '.join(map(repr, _PREDICTED))}")  # fmt: skip
        return pl.read_parquet(self._made(f"predictions/{split}.parquet", _PREDICTED[split]))

    def evaluation(self) -> Test:
        """The test, target by target: every figure with its interval and n."""
        from bedside.evaluate.stored import read

        return read(self._made("reports/evaluation.json", "test").read_bytes())

    def headline(self) -> str | None:
        """Name of the first figure of the newest test that has an interval; None before there is one."""
        tested = next((entry for entry in reversed(self.ledger()) if entry.receipt.step == "test"), None)
        return next((figure.name for figure in tested.receipt.figures if figure.low is not None), None) if tested else None

    def ledger(self) -> list[Entry]:
        """Every entry, oldest first."""
        return Ledger(self.root / "ledger").entries()

    def sql(self, query: str) -> pl.DataFrame:
        """DuckDB over the lake and the tables made from it: events, notes, images, quarantine, counts, decisions, features, predictions."""
        import polars as pl

        from bedside.lake.store import Lake

        made = {
            "decisions": "cohort/decisions.parquet",
            "features": "cohort/features.parquet",
            "predictions": "predictions/test.parquet",
        }
        extra = {name: pl.read_parquet(self.root / path) for name, path in made.items() if (self.root / path).exists()}
        return Lake(self._made("lake", "read")).sql(query, extra=extra)

    def verify(self) -> Verdict:
        """Whether the folder is what its ledger says."""
        from bedside.study.verify import verify

        return verify(self.root)

    def content(self) -> str:
        """One digest over the content of everything made: equal for equal inputs, keyring and study file."""
        latest = {entry.receipt.step: entry for entry in self.ledger()}
        told = [
            [item.name, item.content or item.digest]
            for step in STEPS
            if step.name in latest
            for item in latest[step.name].receipt.outputs
        ]
        return canonical.digest(sorted(told))

    def keyring_path(self) -> Path:
        """Where the keyring lies: as declared, else beside the study folder."""
        return folder.keyring_path(self.root, self.file.deidentify.keyring)

    def keyring(self) -> Keyring:
        """The keyring; made when there is none yet and nothing has been run."""
        from bedside.deidentify.keyring import Keyring

        path = self.keyring_path()
        if path.exists():
            return Keyring.open(path)
        if (self.root / "ledger").exists():
            raise Misconfigured(
                "the keyring of this study is not there",
                where=str(path),
                do="bring it back (bedside keyring restore BACKUP --key FILE). Without it and without a backup nobody can be re-identified, no further file "
                "can join those of safe/, and raw files cannot be verified; what is in the study stays as it is, and a new study begins anew",
            )
        return Keyring.create(path, naming=self.file.deidentify.naming)

    def record(self, receipt: Receipt) -> Entry:
        """Write an entry on behalf of serve or monitor."""
        with folder.locked(self.root):
            return self.context().ledger.append(receipt)

    def context(self) -> Context:
        """What a step gets: the folder, study.toml, the keyring, the ledger."""
        keyring = self.keyring()
        refuse_rotated(self.root, keyring)
        return Context(self.root, self.file, keyring, Ledger(self.root / "ledger", key=keyring.signing_key))

    def _write_plan(self, ledger: Ledger) -> None:
        """Put study.toml itself, and the table mappings that lie beside it, into the ledger whenever they have changed."""
        items, last = [Item(name, sha256_file(self.root / name)) for name in self._declared()], ledger.latest("plan")
        if last is None or last.receipt.outputs != items:
            ledger.append(
                Receipt(
                    "plan",
                    outputs=items,
                    parameters={"policy": self.file.deidentify.policy, "policy_digest": folder.rules(self.root, self.file.deidentify.policy).digest,
                                "attestation": self.file.deidentify.attestation},
                )
            )

    def _declared(self) -> list[str]:
        """What people wrote: study.toml, and their own mappings and policy inside the folder."""
        own = {(self.root / source.mapping).resolve() for source in self.file.source if source.mapping}
        own |= {path.resolve() for path in folder.policy_files(self.root, self.file.deidentify.policy)}
        inside = sorted(path.relative_to(self.root).as_posix() for path in own if path.is_file() and self.root in path.parents)
        return ["study.toml", *inside]

    def _made(self, name: str, step: str) -> Path:
        path = self.root / name
        if not path.exists():
            raise Unusable(
                f"the step {step!r} has not been run", where=str(path), do=f"bedside {step} {self.root}, or bedside run {self.root}"
            )
        return path


def _tell_of_extras(task: object) -> None:
    """Before the long steps, not after them: what the model will ask for that is not installed."""
    from bedside.study.pillars import pillar_of

    extra = pillar_of(task).extra
    if absent := lacking(extra):
        say(f"train and test will need {', '.join(absent)}, which are not installed: {line_to_type(extra)}")


def _known(only: Sequence[str] | None) -> None:
    names = [step.name for step in STEPS]
    wrong = [name for name in only or () if name not in names]
    if wrong:
        raise Misconfigured(f"no step called {wrong[0]!r}", where="bedside run", do=f"choose from {', '.join(names)}")


def _one(step: Step, context: Context, quiet: bool) -> Ran:
    started = time.monotonic()
    entry = fresh(step, context)
    ran = entry is None
    if ran and not quiet:
        say(f"{step.name:<11} ...")
    for name in step.needs:
        if context.ledger.latest(name) is None:
            raise Unusable(f"the step {name!r} has not been run", where=f"step {step.name!r}", do=f"bedside {name} {context.root}")
    entry = entry or perform(step, context, replaced=_altered(step, context))
    seconds = time.monotonic() - started
    if not quiet:
        say(f"{step.name:<11} {f'{seconds:6.1f} s' if ran else 'unchanged'}  {_summary(entry)}")
    return Ran(step.name, ran, round(seconds, 1), entry.seq, entry.receipt.counts)


def _altered(step: Step, context: Context) -> dict[str, int]:
    """What of a step's files was tampered with or lost; told aloud, since a run sets it right without being asked."""
    found = altered(step, context)
    if found:
        told = ", ".join(f"{many} {kind}" for kind, many in found.items())
        say(f"{step.name}: what was there was not what the ledger says ({told} of its files); it is made again")
    return found


def _summary(entry: Entry) -> str:
    """One line of counts for the terminal."""
    counts = entry.receipt.counts
    records = counts.get("records")
    parts: list[str] = []
    if isinstance(records, dict) and records.get("read"):
        lost = {name: sum(records[name].values()) for name in ("merged", "ignored", "quarantined")}
        parts.append(
            f"{records['read']:,} read = {records['written']:,} written" + "".join(f" + {n:,} {name}" for name, n in lost.items())
        )
    for name in ("events", "merged_facts", "decisions"):
        if name in counts:
            parts.append(f"{counts[name]:,} {name.replace('_', ' ')}")
    empty = counts.get("signals_without_values")
    if isinstance(empty, list) and empty:
        parts.append(f"no value found for {len(empty)} signal{'s' * (len(empty) > 1)}: {', '.join(map(str, empty))} (their codes or units are not in the lake)")
    if not parts and entry.receipt.outputs:
        parts.append(f"{len(entry.receipt.outputs)} files")
    return "; ".join(parts)
