"""The folder of a federated run: bundle, cards, reports, and one ledger with each site's signed receipt.

In        a `Federation` whose bundle lies in place already
Out       study.toml, sites/<site>/card.*, reports/, ledger/: a study folder that `bedside verify` and `bedside serve` take
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from bedside.core import canonical
from bedside.core.ids import sha256_file
from bedside.core.receipt import Figure, Item, Receipt
from bedside.federate.plan import Plan
from bedside.federate.records import Federation, SiteResult
from bedside.ledger.log import Ledger
from bedside.study import folder
from bedside.study.config import StudyFile
from bedside.study.federate_site import OWN
from bedside.study.pillars import pillar_of
from bedside.study.plan import code_version
from bedside.study.study import Study
from bedside.study.vouched import SITE_STEP

if TYPE_CHECKING:
    from bedside.evaluate.evaluation import Evaluation


def pooled_test(agreed: Plan, studies: Mapping[str, Study], file: StudyFile) -> Evaluation:
    """All sites' test predictions judged together: for made and public data only."""
    from bedside.bundle.sealed import Sealed
    from bedside.evaluate.evaluation import evaluate

    frames = []
    for name, study in studies.items():
        frame = pl.read_parquet(study.root / OWN / "predictions.parquet")
        lines = dict(Sealed.open(study.root / OWN / "bundle").manifest.thresholds)
        frames.append(frame.with_columns(pl.format("{}/{}", pl.lit(name), "unit_id").alias("unit_id"), pl.format("{}/{}", pl.lit(name), "parent_unit").alias("parent_unit")))
    whole = pl.concat(frames).with_columns(pl.struct("site", "subject_id").rank("dense").cast(pl.Int64).alias("subject_id"))
    pillar = pillar_of(file.task)
    return evaluate(whole, main=agreed.main, thresholds=lines, seed=file.seed, patient_days=pillar.patient_days(file.task, whole),
                    outcome=file.task.targets[0].name, unit=file.task.unit)  # fmt: skip


def write(out: Path, shared: Path, file: StudyFile, agreed: Plan, run: Federation, pooled: Evaluation | None, *, made: bool, keyring: Path) -> None:
    """Reports, cards and the ledger; the bundle lies there already.

    keyring   of the coordinator, for the signature of this ledger; made where there is none
    """
    (out / "study.toml").write_bytes(shared.read_bytes())
    _pages(out, file, agreed, run, pooled, made)
    ledger = Ledger(out / "ledger", key=_signing_key(keyring))
    ledger.append(Receipt("plan", outputs=[Item("study.toml", sha256_file(out / "study.toml"))], parameters={"plan": agreed.digest, "run": run.run}))
    for result in run.sites:
        ledger.append(_vouched(out, result))
    ledger.append(_whole_run(out, agreed, run, pooled))


def _pages(out: Path, file: StudyFile, agreed: Plan, run: Federation, pooled: Evaluation | None, made: bool) -> None:
    from bedside.federate.page import card_page, federation_page, record
    from bedside.report.markdown import page

    reports = out / "reports"
    reports.mkdir()
    (reports / "federation.json").write_bytes(canonical.dumps(record(run)))
    told = federation_page(file.name, agreed, run, pooled, made=made)
    (reports / "federated.html").write_text(page(f"{file.name}: federated", told, kind="Federated training · Bedside"), encoding="utf-8")
    if pooled is not None:
        (reports / "pooled.json").write_bytes(canonical.dumps(pooled))
    for result in run.sites:
        place = out / "sites" / result.site
        place.mkdir(parents=True)
        (place / "card.json").write_bytes(canonical.dumps(result))
        card = card_page(file.name, agreed, run, result, made=made)
        (place / "card.html").write_text(page(f"{file.name}: {result.site}", card, kind="Site card · Bedside"), encoding="utf-8")


def _signing_key(path: Path) -> bytes:
    from bedside.deidentify.keyring import Keyring

    return (Keyring.open(path) if path.exists() else Keyring.create(path)).signing_key


def _whole_run(out: Path, agreed: Plan, run: Federation, pooled: Evaluation | None) -> Receipt:
    """The entry of the run: bundle and reports, figures over all sites, what was quarantined and who vanished."""
    from bedside.evaluate.figures import figures
    from bedside.federate.page import summed

    names = [name for top in ("bundles", "reports") for name in folder.listing(out, out / top)]
    together = [msgspec.structs.replace(one, name=one.name.replace("test/", "pooled/", 1)) for one in figures(pooled)] if pooled else []
    counts: dict[str, object] = {"sites": len(run.sites), "rounds": len(run.rounds), "quarantined": sum(len(one.quarantined) for one in run.rounds),
                                 "vanished": sum(len(one.vanished) for one in run.rounds), "absent": run.absent}  # fmt: skip
    return Receipt("federate", [Item(f"site:{one.site}", canonical.digest(one)) for one in run.sites],
                   [Item(name, sha256_file(out / name)) for name in names],
                   {"run": run.run, "plan": agreed.digest, "bundle": run.bundle}, code_version(), [*summed(agreed, run), *together], counts)  # fmt: skip


def _vouched(out: Path, result: SiteResult) -> Receipt:
    """A site's entry: what it signed, and its card."""
    outputs = [Item(name, sha256_file(out / name)) for name in folder.listing(out, out / "sites" / result.site)]
    signed = msgspec.to_builtins(result.signed) if result.signed else {}
    told = [Figure(f"{result.site}/{name}", value, low, high, int(n) if n is not None else None, "evaluated at the site")
            for name, (value, low, high, n) in result.figures.items()]  # fmt: skip
    return Receipt(f"{SITE_STEP}{result.site}", [], outputs, {"site": result.site, "signed": signed}, code_version(), told,
                   {"rows": result.rows, "subjects": result.subjects})  # fmt: skip
