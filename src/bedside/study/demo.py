"""`bedside demo`: the made hospital, written and run."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec.structs import replace

from bedside.core.errors import Misconfigured, Refused
from bedside.core.ids import keyed
from bedside.core.progress import say
from bedside.core.task import Task
from bedside.study.steps import STEPS
from bedside.study.study import Ran, Study

LEAST = 20

_MADE_KEY = b"bedside demo: not a secret, because no patient is real"
_SPLITS, _TRIES = 3, 10_000
_WHY = "# the first seed under which every split of so small a hospital holds patients with and without the outcome"


def demo(out: Path, *, patients: int | None = None, seed: int = 1, quiet: bool = False) -> tuple[Study, list[Ran]]:
    """Write a made hospital and its study to `out`, and run it; what is there from an equal call is kept.

    The keyring follows from the seed, so that the same call gives the same study; it is marked as made.
    """
    from bedside.deidentify.keyring import Keyring
    from bedside.demo.hospital import write

    if patients is not None and patients < LEAST:
        raise Misconfigured(
            f"{patients} patients are too few to train and test on",
            where="--patients",
            do=f"give {LEAST} or more, or none for the shipped 300",
        )
    asked = f"patients = {patients or 'all'}, seed = {seed}"
    if not (out / "study.toml").exists():
        if out.exists() and any(out.iterdir()):
            raise Refused("the folder holds something else", where=str(out), do="give another --out, or empty the folder")
        if not quiet:
            say(f"making the hospital ({asked}) ...")
        write(out, patients=patients, seed=seed)
        text = (out / "study.toml").read_text(encoding="utf-8")
        (out / "study.toml").write_text(f"# Made by `bedside demo`: {asked}\n{text}", encoding="utf-8")
    elif not (out / "study.toml").read_text(encoding="utf-8").startswith(f"# Made by `bedside demo`: {asked}\n"):
        raise Refused(
            "the folder holds a demo made with other options", where=str(out), do="give another --out, or empty the folder"
        )
    study = Study(out)
    if not study.keyring_path().exists() and not (out / "ledger").exists():
        Keyring.create(study.keyring_path(), seed=keyed(_MADE_KEY, str(patients), str(seed)), made=True)
    return _whole(study, patients, quiet)


def _whole(study: Study, patients: int | None, quiet: bool) -> tuple[Study, list[Ran]]:
    """Run every step; in a small hospital see to it first that each split holds somebody with the outcome."""
    from bedside.demo.casting import SMALL

    if patients is None or patients >= SMALL:
        return study, study.run(quiet=quiet)
    begun = study.run(["deidentify", "read"], quiet=quiet)
    study = _divided(study)
    rest = [step.name for step in STEPS if step.name not in ("deidentify", "read")]
    return study, [*begun, *study.run(rest, quiet=quiet)]


def _divided(study: Study) -> Study:
    """The study under the first split seed that leaves no split without subjects of both kinds; study.toml says why."""
    from bedside.cohort.decisions import cohort
    from bedside.cohort.splits import place

    task = study.file.task
    assert isinstance(task, Task)
    rows, _ = cohort(study.events(), task)
    ill = set(rows.filter("label")["subject_id"])
    every = set(rows["subject_id"])

    def divides(seed: int) -> bool:
        split = replace(task.split, seed=seed)
        return all(len({place(subject, split) for subject in kind}) == _SPLITS for kind in (ill, every - ill))

    seed = next((seed for seed in range(1, _TRIES) if divides(seed)), task.split.seed)
    if seed != task.split.seed:
        path = study.root / "study.toml"
        head, mark, tail = path.read_text(encoding="utf-8").partition("[task.split]\n")
        tail = re.sub(r"^seed = \d+$", f"{_WHY}\nseed = {seed}", tail, count=1, flags=re.MULTILINE)
        path.write_text(head + mark + tail, encoding="utf-8")
    return Study(study.root)
