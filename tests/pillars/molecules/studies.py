"""Small studies of molecules for tests: the made assays of the demo, taken through the steps that a study takes."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from bedside.core.events import Event, frame
from bedside.core.split import Split
from bedside.core.target import Target
from bedside.core.task_molecule import MoleculeTask
from bedside.deidentify.keyring import Keyring
from bedside.formats.files import RawFile
from bedside.pillars.molecules.compounds import Gathered, gather
from bedside.readers.mapping import load
from bedside.readers.tables import read
from bedside.study.study import Study


def events(rows: list[tuple[str, float | None]], *, split: list[str] | None = None, extra: list[Event] | None = None) -> pl.DataFrame:
    """Events of (SMILES, value) rows: one compound a row, in that order."""
    told = list[Event]()
    for number, (smiles, value) in enumerate(rows):
        source = f"file#{number + 2}"
        told.append(Event(number + 1, None, "MOLECULE//SMILES", text_value=smiles, source=source))
        if value is not None:
            told.append(Event(number + 1, None, "ASSAY//y", numeric_value=value, source=source))
        if split:
            told.append(Event(number + 1, None, f"SPLIT//{split[number]}", source=source))
    return frame(told + (extra or []))


def task(kind: str = "number", **given: object) -> MoleculeTask:
    """A task with the one target "y"."""
    told = {"split": Split(by="declared"), **given}
    return MoleculeTask("made", [Target("y", kind)], {"y": "ASSAY//y"}, **told)  # type: ignore[arg-type]


def shared(data: Path, name: str, mapping: str, code: str, *files: str, every: int = 1, **given: object) -> tuple[pl.DataFrame, MoleculeTask, Gathered]:
    """Events, task and compounds of a public data set (or of every so many compounds), through the reader."""
    told = load(mapping, Path())
    parts = [read(RawFile(name, "tables", data / file, Path(file).name, Path(file).name), mapping=told).events for file in files]
    whole = pl.concat(parts)
    kept = whole["subject_id"].unique(maintain_order=True).gather_every(every)
    whole = whole.filter(pl.col("subject_id").is_in(kept.to_list()))
    asked = MoleculeTask(name, [Target("y", str(given.pop("kind")))], {"y": code}, **given)  # type: ignore[arg-type]
    return whole, asked, gather(whole, asked)


def tdc(data: Path, name: str, kind: str, **given: object) -> tuple[pl.DataFrame, MoleculeTask, Gathered]:
    """A TDC data set with its official split."""
    files = [f"molecules/tdc_admet_group/{name}/{part}.csv" for part in ("train_val", "test")]
    return shared(data, name, "tdc", "ASSAY//Y", *files, kind=kind, split=Split(by="declared"), **given)


def run(root: Path, *, steps: tuple[str, ...] = ("deidentify", "read", "check", "cohort", "train", "test", "dossier"), split: str = "scaffold",
        folds: int = 0, more: str = "") -> Study:  # fmt: skip
    """A demo study written, split as said, and taken through the steps, `more` in its [task]; its keyring lies beside it."""
    from bedside.demo.molecules import write

    root.mkdir(parents=True)
    write(root)
    keyring = root.with_name(root.name + ".keyring")
    Keyring.create(keyring)
    path = root / "study.toml"
    path.write_text(path.read_text().replace("[deidentify]\n", f'[deidentify]\nkeyring = "{keyring}"\n').replace('by = "scaffold"', f'by = "{split}"\nfolds = {folds}')
                    .replace('on_conflict = "median"', f'on_conflict = "median"\n{more}'))  # fmt: skip
    study = Study(root)
    study.run(list(steps), quiet=True)
    return study
