"""A study folder as a site of a federated run: its cohort's rows, its keyring's signature, its own ledger and its own test.

In        a study whose cohort step has been run
Out       a `Site`; under federated/ of the study: the bundle that was tested, predictions and evaluation, which stay
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from bedside.core import canonical
from bedside.core.errors import Refused, Unusable
from bedside.core.ids import keyed, sha256_file
from bedside.core.predictions import TRUTHS, conform
from bedside.core.receipt import Figure, Item, Receipt
from bedside.federate.plan import Plan, plan
from bedside.federate.receipt import Signed, SiteReceipt, sign
from bedside.federate.site import Site, Tested, Who
from bedside.ledger.log import Ledger
from bedside.study import folder
from bedside.study.config import StudyFile
from bedside.study.pillars import kind_of, material, pillar_of
from bedside.study.plan import code_version
from bedside.study.steps.frames import write_frame
from bedside.study.steps.labels import open_labels
from bedside.study.study import Study

OWN = "federated"


def plan_of(file: StudyFile) -> Plan:
    """What the sites must agree on, from a study file."""
    return plan(kind_of(file.task), file.task, file.model, file.seed)


def open_site(root: Path, agreed: Plan | None = None) -> Site:
    """A site of a run, from its study folder; its cohort step must have been run."""
    study = Study(root)
    agreed = agreed or plan_of(study.file)
    rows = agreed.pillar.rows(study.file.task, study.file.model, *_frames(study), study.file.seed)
    who = Who(study.file.site, folder.rules(study.root, study.file.deidentify.policy).name, cohort_digest(study), code_version())
    return Site(who, plan_of(study.file), rows, StudyDesk(study), key=keyed(study.keyring().file_key, "federate"))


def cohort_digest(study: Study) -> str:
    """One digest over the content of what the site's cohort step made."""
    entry = Ledger(study.root / "ledger").latest("cohort")
    if entry is None:
        raise Unusable("the step 'cohort' has not been run", where=str(study.root), do=f"bedside cohort {study.root}")
    return canonical.digest(sorted([item.name, item.content or item.digest] for item in entry.receipt.outputs))


class StudyDesk:
    """A `Desk` over a study folder: the test stays in it, under federated/."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def test(self, bundle: str, files: Mapping[str, bytes]) -> Tested:
        """Open the labels in this site's ledger, predict, evaluate, and keep all but the figures."""
        from bedside.evaluate.evaluation import evaluate, figures

        with folder.locked(self._study.root):
            context = self._study.context()
            staged = folder.staging(context.root, OWN)
            _unpack(files, staged / OWN / "bundle")
            predictions, lines = self._predicted(context, bundle, staged / OWN)
            found = evaluate(predictions, main=pillar_of(context.study.task).main, thresholds=lines, seed=context.study.seed,
                             patient_days=pillar_of(context.study.task).patient_days(context.study.task, predictions),
                             outcome=context.study.task.targets[0].name, unit=context.study.task.unit)  # fmt: skip
            content = {f"{OWN}/predictions.parquet": write_frame(predictions, staged / OWN / "predictions.parquet", made=context.study.made)}
            (staged / OWN / "evaluation.json").write_bytes(canonical.dumps(found))
            told = figures(found)
            outputs = [Item(name, sha256_file(context.path(name)), content.get(name)) for name in folder.publish(context.root, staged, (OWN,))]
            context.ledger.append(Receipt("federate-test", [Item("bundle", bundle)], outputs, code=code_version(), figures=told))
        main = predictions.filter(pl.col("output") == pillar_of(context.study.task).main)
        return Tested(_four(told), _crossed(main, lines), main["subject_id"].n_unique(), main.filter("label")["subject_id"].n_unique())

    def sign(self, receipt: SiteReceipt) -> Signed:
        """The receipt into this site's ledger, then signed with the ledger's size and root."""
        self._study.record(Receipt("federate", [Item("bundle", receipt.bundle)], [], msgspec.to_builtins(receipt), receipt.code))
        head = Ledger(self._study.root / "ledger").head()
        whole = msgspec.structs.replace(receipt, ledger_size=head.size, ledger_root=head.root) if head else receipt
        return sign(whole, self._study.keyring().signing_key)

    def _predicted(self, context: Any, bundle: str, place: Path) -> tuple[pl.DataFrame, dict[str, float]]:
        from bedside.bundle.sealed import Sealed

        sealed = Sealed.open(place / "bundle")
        if sealed.digest != bundle:
            raise Refused("the bundle that was sent is not the one that was named", where="federated test", do="start the run again")
        decisions, features = _frames(self._study)
        opened = open_labels(context, bundle)
        known = decisions.filter(pl.col("split") == "test").drop([name for name in TRUTHS if name in opened.columns])
        rows = known.join(opened, on=["unit_id", "target"], how="left", maintain_order="left")
        said = pillar_of(context.study.task).predict(material(context), rows, features, bundle=place / "bundle", out=place)
        return conform(said.predictions.with_columns(pl.lit(context.study.site).alias("site"))), dict(sealed.manifest.thresholds)


def _frames(study: Study) -> tuple[pl.DataFrame, pl.DataFrame]:
    decisions, features = (pl.read_parquet(study._made(f"cohort/{name}.parquet", "cohort")) for name in ("decisions", "features"))
    return decisions, features


def _unpack(files: Mapping[str, bytes], place: Path) -> None:
    for name, data in files.items():
        path = (place / name).resolve()
        if place.resolve() not in path.parents:
            raise Refused("a file of the bundle would lie outside it", where="federated test", do="do not trust this coordinator")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _four(told: Sequence[Figure]) -> dict[str, tuple[float, float, float, float]]:
    nan = float("nan")

    def number(value: object) -> float:
        return float(value) if isinstance(value, (int, float)) else nan

    return {figure.name: (number(figure.value), number(figure.low), number(figure.high), number(figure.n)) for figure in told}


def _crossed(predictions: pl.DataFrame, lines: Mapping[str, float]) -> dict[str, tuple[int, int, int, int]]:
    """Of each threshold: true and false positives, true and false negatives, over rows whose outcome is known."""
    rows = predictions.filter(pl.col("label").is_not_null())
    found: dict[str, tuple[int, int, int, int]] = {}
    for name, line in lines.items():
        alarm, ill = rows["value"] >= line, rows["label"]
        found[name] = (int((alarm & ill).sum()), int((alarm & ~ill).sum()), int((~alarm & ~ill).sum()), int((~alarm & ill).sum()))
    return found
