"""`bedside generate`: molecules with a property that a molecules study learned; the page and its figures go into the ledger."""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl

from bedside.core import canonical
from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.core.ids import sha256_file
from bedside.core.receipt import Figure, Item, Receipt
from bedside.core.task_molecule import MoleculeTask
from bedside.evaluate.generated import Generated
from bedside.study import folder
from bedside.study.plan import code_version
from bedside.study.steps.frames import write_frame
from bedside.study.study import Study

_OWNS = ("generated/molecules.parquet", "reports/generated.html", "reports/generated.json")


def generate(root: Path, *, target: str | None, wanted: str, calls: int, seed: int, start: Path | None = None) -> Generated:
    """Search for molecules whose property is high or low, from the development compounds or from a file of SMILES, one a line.

    The test compounds take no part: neither their answers nor their structures.
    """
    from bedside.pillars.molecules.generate.run import generate as run
    from bedside.pillars.molecules.generate.search import SearchOptions
    from bedside.pillars.molecules.options import options

    study = Study(root)
    task = study.file.task
    if not isinstance(task, MoleculeTask):
        raise Misconfigured("only a study of molecules can be searched", where=study.file.name, do="see docs/molecules.md")
    asked = next((one for one in task.asks if target in (None, one.name)), None)
    if asked is None:
        raise Misconfigured(f"the task asks for no {target!r}", where="--target", do=f"choose from {', '.join(one.name for one in task.asks)}")
    learned = _learned_from(study)
    rows = _development(study, asked.name)
    labels = asked.kind == "yes-no"
    answer = rows["label" if labels else "truth"].cast(pl.Float64).to_numpy()
    found = run(rows["smiles"].to_list(), answer, rows["group_id"].to_list(), target=asked.name, labels=labels, higher=wanted == "high", seed=seed,
                search_options=SearchOptions(calls=calls), standard=task.standard, options=options(dict(study.file.model)), start=_lines(start))  # fmt: skip
    with folder.locked(study.root):
        outputs = _written(study, found)
    parameters: dict[str, object] = {"target": asked.name, "wanted": wanted, "calls": calls, "seed": seed}
    inputs = [*learned, *([Item("start", sha256_file(start))] if start else [])]
    study.record(Receipt("generate", inputs=sorted(inputs), outputs=outputs, parameters=parameters, code=code_version(), figures=_figures(found),
                         counts={"proposals": found.proposals, "scored": len(found.molecules)}))  # fmt: skip
    return found


def _learned_from(study: Study) -> list[Item]:
    """Decisions and features, which must be what the newest cohort step wrote, so that a figure of the page can be walked back."""
    study._made("cohort/decisions.parquet", "cohort")
    made = next(entry for entry in reversed(study.ledger()) if entry.receipt.step == "cohort")
    items = [item for item in made.receipt.outputs if item.name in ("cohort/decisions.parquet", "cohort/features.parquet")]
    altered = [item.name for item in items if not (study.root / item.name).is_file() or sha256_file(study.root / item.name) != item.digest]
    if altered:
        raise Refused(f"{', '.join(altered)} is not what the ledger says", where=study.file.name, do="bedside run makes it again; bedside verify says more")
    return items


def _development(study: Study, target: str) -> pl.DataFrame:
    """Development compounds with a known answer, one row each."""
    decisions = pl.read_parquet(study._made("cohort/decisions.parquet", "cohort"))
    features = pl.read_parquet(study._made("cohort/features.parquet", "cohort"))
    rows = decisions.filter(pl.col("split") != "test", pl.col("target") == target).join(features, on="unit_id", how="inner", maintain_order="left")
    value = "label" if "label" in rows.columns and rows["label"].null_count() < rows.height else "truth"
    rows = rows.filter(pl.col(value).is_not_null()).unique("smiles", keep="first", maintain_order=True)
    if rows.is_empty():
        raise Unusable("no development compound has an answer", where=study.file.name, do="bedside run it first")
    return rows


def _lines(path: Path | None) -> list[str] | None:
    """SMILES of a file, the first word of each line."""
    if path is None:
        return None
    told = [line.split()[0] for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    if not told:
        raise Unusable("the file holds no line", where=path.name, do="give SMILES, one a line")
    return told


def _written(study: Study, found: Generated) -> list[Item]:
    from bedside.report.generation import generation_page

    staged = folder.staging(study.root, "generate")
    for name in ("generated", "reports"):
        (staged / name).mkdir()
    names = ("smiles", "call", "born", "objective", "twin", "held_back")
    frame = pl.DataFrame(found.molecules, schema=list(names), orient="row")
    content = {_OWNS[0]: write_frame(frame, staged / _OWNS[0], made=study.file.made), _OWNS[1]: canonical.digest(found), _OWNS[2]: canonical.digest(found)}
    (staged / _OWNS[1]).write_text(generation_page(found, title=study.file.name, made=study.file.made), encoding="utf-8")
    (staged / _OWNS[2]).write_bytes(canonical.dumps(found))
    return [Item(name, sha256_file(study.root / name), content[name]) for name in folder.publish(study.root, staged, _OWNS)]


def _figures(found: Generated) -> list[Figure]:
    """The figures of the page, under the names that it shows."""
    kept = [Figure(f"generate/kept/{name.replace('_', '-')}", one.value, one.low, one.high, one.n, one.method) for name, one in found.kept.items()]
    told = {name: value for name, value in msgspec.to_builtins(found.quality).items() if name != "made"}
    return [*kept, Figure("generate/area", found.area, n=found.calls, method="mean over the budget of the best ten's mean score by the objective"),
            *(Figure(f"generate/quality/{name.replace('_', '-')}", value, n=found.quality.made, method=name) for name, value in told.items())]  # fmt: skip
