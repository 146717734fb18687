"""Fit, calibrate, choose thresholds, seal: the third of the four functions, for slides.

In        decisions and features of slides, cohort/tiles.parquet of the study
Out       a sealed bundle of runner "onnx-slides"; predictions of the tune slides, which no weight was fitted on
Elsewhere what is said and what stands beside: `say.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.bundle.calibration import Calibration
from bedside.bundle.calibration import fit as calibrated
from bedside.bundle.runners.onnx_planes import BESIDE, MODEL, Beside
from bedside.bundle.runners.onnx_slides import NAME, SLIDES, VERSION, OnnxSlides, Slides
from bedside.bundle.runners.tiles import NAMES
from bedside.bundle.sealed import seal_files
from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.pillar import Developed, Material
from bedside.core.receipt import Figure
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes import beside
from bedside.pillars.imaging.planes.develop import card, lines_of
from bedside.pillars.imaging.planes.learn import steady
from bedside.pillars.imaging.planes.wanted import yes_no_loss
from bedside.pillars.imaging.slides import mil
from bedside.pillars.imaging.slides.bags import Bags, bags, column
from bedside.pillars.imaging.slides.options import SlideOptions, options
from bedside.pillars.imaging.slides.say import BESIDES, say

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def develop(material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
    """Fit on the train slides and seal; predictions are of the tune slides."""
    import polars as pl

    task, said = material.task, options(material.model)
    known = decisions.filter(pl.col("split").is_in(["train", "tune"]))
    units = {split: set(known.filter(pl.col("split") == split)["unit_id"].to_list()) for split in ("train", "tune")}
    if not all(units.values()):
        raise Unusable("there is no slide to train on, or none to tune on", where="decisions", do="see task.split and the cohort's flow")
    packed = bags(material.root, features, units["train"] | units["tune"])
    slides, network, told = _fitted(task, known, packed, units, said, material.seed)
    stands = _beside(task, known, packed, units["train"])
    tune = known.filter(pl.col("split") == "tune")
    model = OnnxSlides(_calibrated(slides, stands, network, tune, packed, said), stands, {MODEL: network})
    predictions, _ = say(model, task, tune, packed)
    lines = lines_of(task, predictions, said.thresholds)
    flat = {f"{target}/{name}": value for target, line in lines.items() for name, value in line.serving.items()}
    files = {MODEL: network, SLIDES: canonical.dumps(model.slides), BESIDE: canonical.dumps(stands)}
    digest = seal_files(out, name=task.name, runner=NAME, runner_version=VERSION, task=task, thresholds=flat, training=training, files=files,
                        card=card(material, said, told, flat), made=material.made)  # fmt: skip
    figures = [Figure(f"development.{name}", value, n=len(packed.names)) for name, value in told.items() if isinstance(value, int)]
    return Developed(digest, predictions.with_columns(pl.lit(digest).alias("bundle")), lines, figures)


def _fitted(task: ImageTask, known: pl.DataFrame, packed: Bags, units: dict[str, set[str]], said: SlideOptions, seed: int) -> tuple[Slides, bytes, dict[str, object]]:
    goal, steps = _wanted(task, known, packed)
    train, tune = ([place for place, name in enumerate(packed.names) if name in units[split]] for split in ("train", "tune"))
    seen = np.concatenate([packed.tiles[place] for place in train]).astype(np.float64)
    centre, scale = seen.mean(0), np.where(seen.std(0) > 1e-9, seen.std(0), 1.0)
    standard = [((one - centre.astype(np.float32)) / scale.astype(np.float32)).astype(np.float32) for one in packed.tiles]
    with steady(seed, 1) as torch:
        net = mil.network(len(NAMES), goal.shape[1], said.hidden, rising=steps > 0)
        told = mil.fit(torch, net, standard, goal, train, tune, yes_no_loss(torch), said, seed=seed)
        network = mil.onnx(torch, net, len(NAMES))
    slides = Slides("bedside.slides/1", "grade" if steps else "classify", said.tile, said.mpp, said.tissue, said.most, list(NAMES), centre.tolist(), scale.tolist(),
                    [one.name for one in task.asks], steps)  # fmt: skip
    return slides, network, told


def _wanted(task: ImageTask, known: pl.DataFrame, packed: Bags) -> tuple[Floats, int]:
    """(slides, answers) of what each slide should say; and how many steps a grade has, 0 for findings."""
    if task.question != "grade":
        return np.column_stack([column(known, packed, one.name, "label") for one in task.asks]).astype(np.float32), 0
    graded = column(known, packed, next(one.name for one in task.asks if one.kind == "grade"), "truth")
    if np.isnan(graded).all() or np.nanmax(graded) < 1:
        raise Unusable("the development slides have one grade alone", where="decisions", do="see task.codes and the labels")
    steps = int(np.nanmax(graded))
    return np.where(np.isnan(graded)[:, None], np.nan, graded[:, None] > np.arange(steps)).astype(np.float32), steps


def _calibrated(slides: Slides, stands: Beside, network: bytes, tune: pl.DataFrame, packed: Bags, said: SlideOptions) -> Slides:
    if slides.head != "classify" or not said.calibrate:
        return slides
    model = OnnxSlides(slides, stands, {MODEL: network})
    logits = np.stack([model.numbers(one)[0] for one in packed.tiles])
    labels = np.column_stack([column(tune, packed, name, "label") for name in slides.targets])
    return msgspec.structs.replace(slides, calibration=calibrations(slides.targets, logits, labels))


def calibrations(targets: list[str], logits: Floats, labels: NDArray[np.float64]) -> dict[str, Calibration]:
    """Of each target Platt's numbers, where its tune labels (units, targets), nan where unknown, hold both answers."""
    found: dict[str, Calibration] = {}
    for place, name in enumerate(targets):
        rows = ~np.isnan(labels[:, place])
        if 0 < labels[rows, place].sum() < rows.sum():
            found[name] = calibrated(logits[rows, place].astype(np.float64), labels[rows, place] == 1)
    return found


def _beside(task: ImageTask, known: pl.DataFrame, packed: Bags, units: set[str]) -> Beside:
    """Base rates, and regressions on the means of tiles and on the amount of tissue; fitted on the train slides."""
    train = known.filter(known["unit_id"].is_in(list(units)))
    base, lines = dict[str, float](), {}
    for target in task.asks:
        told = column(train, packed, target.name, "truth" if target.kind == "grade" else "label")
        rows = ~np.isnan(told)
        if not rows.any():
            raise Unusable(f"no train slide has an answer for {target.name}", where="decisions", do="see the cohort's flow, or take out this target")
        base[target.name] = float(np.median(told[rows]) if target.kind == "grade" else told[rows].mean())
        for output, columns in BESIDES.items():
            x = packed.features.select(columns).to_numpy()[rows]
            fitted = beside.fit_linear(x, told[rows]) if target.kind == "grade" else beside.fit_logistic(x, told[rows] == 1)
            lines[f"{output}/{target.name}"] = fitted
    return Beside("bedside.beside/1", base, lines)
