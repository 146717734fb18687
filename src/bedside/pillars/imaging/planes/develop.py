"""Fit, calibrate, choose thresholds, seal: the third of the four functions, for findings, grades and lesions alike.

In        decisions and features of development units (splits train and tune), the task, [model]
Out       a sealed bundle of runner "onnx-planes"; predictions of the tune units, which no weight was fitted on
Says      the tune units chose the epoch, the calibration and the thresholds: their figures are a little too good, and the test's are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.bundle.calibration import Calibration
from bedside.bundle.calibration import fit as calibrated
from bedside.bundle.runners.onnx_planes import BESIDE, MODEL, NAME, PLANES, VERSION, Beside, OnnxPlanes, Planes
from bedside.bundle.sealed import seal_files
from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.pillar import Developed, Lines, Material
from bedside.core.receipt import Figure
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes import beside, nets, spots, wanted
from bedside.pillars.imaging.planes.learn import Lesson, fit, onnx, steady
from bedside.pillars.imaging.planes.options import PlaneOptions, options
from bedside.pillars.imaging.planes.pack import Pack, pack
from bedside.pillars.imaging.planes.say import say
from bedside.pillars.imaging.planes.units import INTENSITY
from bedside.pillars.imaging.thresholds import rule, threshold

if TYPE_CHECKING:
    import polars as pl

MAIN = "model"
_APART = 3.0


def develop(material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
    """Fit on the train units and seal; predictions are of the tune units."""
    task, said = material.task, options(material.model)
    known = decisions.filter(decisions["split"].is_in(["train", "tune"]))
    units = {split: set(known.filter(known["split"] == split)["unit_id"].to_list()) for split in ("train", "tune")}
    if not all(units.values()):
        raise Unusable("there is no unit to train on, or none to tune on", where="decisions", do="see task.split and the cohort's flow")
    packed = pack(material.root, features, units["train"] | units["tune"], size=said.size, channels=said.channels)
    planes, network, told = _fitted(task, known, packed, units, said, material.seed)
    stands = _beside(task, known.filter(known["split"] == "train"), features, packed, units["train"])
    tune = known.filter(known["split"] == "tune")
    model = OnnxPlanes(_calibrated(task, planes, stands, network, tune, features, packed, said), stands, {MODEL: network})
    predictions = say(model, task, tune, features, packed)
    lines = lines_of(task, predictions, said.thresholds)
    digest = _seal(material, model, network, stands, lines, told, said, out=out, training=training)
    return Developed(digest, predictions.with_columns(_lit(digest, "bundle")), lines, _figures(known, told, lines))


def _fitted(task: ImageTask, known: pl.DataFrame, packed: Pack, units: dict[str, set[str]], said: PlaneOptions, seed: int) -> tuple[Planes, bytes, dict[str, object]]:
    """The trained network as ONNX, what happens around it, and what the card says of the training."""
    steps = 0
    if task.question == "detect":
        goal = wanted.maps(task, known, packed, radius=said.radius)
    elif task.question == "grade":
        goal, steps = wanted.grades(task, known, packed)
    else:
        goal = wanted.findings(task, known, packed)
    lesson = Lesson(packed.pixels, goal, packed.rows(units["train"]), packed.rows(units["tune"]))
    with steady(seed, said.threads) as torch:
        if task.question == "detect":
            net, loss = nets.heat(said, len(task.asks)), wanted.heat_loss(torch)
        else:
            net = nets.ordinal(said, steps) if steps else nets.network(said, len(task.asks))
            loss = wanted.yes_no_loss(torch)
        told = fit(torch, net, lesson, loss, said, seed=seed)
        network = onnx(torch, net, packed.pixels.shape[1:])
    mean, deviation = lesson.scale
    head = {"classify": "classify", "grade": "grade", "detect": "detect"}[task.question]
    planes = Planes("bedside.planes/1", head, said.size, said.channels, mean, deviation, [one.name for one in task.asks], steps=steps,  # type: ignore[arg-type]
                    stride=nets.STRIDE if head == "detect" else 1, apart=_APART * said.radius, floor=said.floor, views=task.views)  # fmt: skip
    return planes, network, told


def _calibrated(task: ImageTask, planes: Planes, stands: Beside, network: bytes, tune: pl.DataFrame, features: pl.DataFrame, packed: Pack,
                said: PlaneOptions) -> Planes:  # fmt: skip
    """Platt's numbers of each finding on the tune units, where they hold both answers."""
    if task.question != "classify" or not said.calibrate:
        return planes
    model = OnnxPlanes(planes, stands, {MODEL: network})
    logits = packed.by_unit(model.logits(packed.brightness))
    found: dict[str, Calibration] = {}
    for place, name in enumerate(planes.targets):
        label = wanted.column(tune, packed, name, "label")
        rows = ~np.isnan(label)
        if 0 < label[rows].sum() < rows.sum():
            found[name] = calibrated(logits[rows, place].astype(np.float64), label[rows] == 1)
    return msgspec.structs.replace(planes, calibration=found)


def _beside(task: ImageTask, train: pl.DataFrame, features: pl.DataFrame, packed: Pack, units: set[str]) -> Beside:
    """What stands beside the model, fitted on the train units."""
    if task.question == "detect":
        return Beside("bedside.beside/1", spots=_spots(task, train, packed, units))
    table = features.filter(features["unit_id"].is_in(packed.names)).sort("unit_id").select(INTENSITY).to_numpy()
    base, lines = dict[str, float](), {}
    for target in task.asks:
        told = wanted.column(train, packed, target.name, "truth" if target.kind == "grade" else "label")
        rows = ~np.isnan(told)
        if not rows.any():
            raise Unusable(f"no train unit has an answer for {target.name}", where="decisions", do="see the cohort's flow, or take out this target")
        if target.kind == "grade":
            base[target.name], lines[target.name] = float(np.median(told[rows])), beside.fit_linear(table[rows], told[rows])
        else:
            base[target.name], lines[target.name] = float(told[rows].mean()), beside.fit_logistic(table[rows], told[rows] == 1)
    return Beside("bedside.beside/1", base, lines, list(INTENSITY))


def _spots(task: ImageTask, train: pl.DataFrame, packed: Pack, units: set[str]) -> dict[str, float]:
    rows = packed.rows(units)
    place = {image: number for number, image in enumerate(rows.tolist())}
    radii, centres = list[float](), list[tuple[int, float, float]]()
    for target in task.asks:
        told = wanted.boxes_of(train, target.name)
        for image in rows.tolist():
            for box in told.get(packed.names[packed.unit[image]], []):
                centres.append((place[image], *wanted.centre(box, packed, image)))
                radii += [max(box[2:]) / 2 * packed.ways[image].scale] if max(box[2:]) > 0 else []
    return spots.learn(packed.brightness[rows].mean(axis=1), radii, centres)


def lines_of(task: ImageTask, predictions: pl.DataFrame, rules: Mapping[str, str]) -> dict[str, Lines]:
    """Thresholds of each yes-no and found target, from the model's own values of tune units; a lesion that was missed has none."""
    lines = {}
    for target in task.asks:
        rows = predictions.filter((predictions["target"] == target.name) & (predictions["output"] == MAIN)) if target.kind != "grade" else None
        if rows is None or rows.is_empty():
            continue
        value, label = rows["value"].to_numpy(), rows["label"].to_numpy().astype(np.bool_)
        found = {name: threshold(rule(text), np.nan_to_num(value, nan=0.0), label) for name, text in rules.items()}
        lines[target.name] = Lines(serving={name: line for name, line in found.items() if line is not None and line > 0})
    return lines


def _seal(material: Material, model: OnnxPlanes, network: bytes, stands: Beside, lines: Mapping[str, Lines], told: dict[str, object],
          said: PlaneOptions, *, out: Path, training: Mapping[str, str]) -> str:  # fmt: skip
    task: ImageTask = material.task
    flat = {f"{target}/{name}": value for target, line in lines.items() for name, value in line.serving.items()}
    files = {MODEL: network, PLANES: canonical.dumps(model.planes), BESIDE: canonical.dumps(stands)}
    return seal_files(out, name=task.name, runner=NAME, runner_version=VERSION, task=task, thresholds=flat, training=training, files=files,
                      card=card(material, said, told, flat), made=material.made)  # fmt: skip


def card(material: Material, said: Any, told: dict[str, object], thresholds: Mapping[str, float]) -> dict[str, object]:
    """What the fit itself knows; plain JSON values."""
    task: ImageTask = material.task
    return {
        "schema": "bedside.card/1", "name": task.name, "made": material.made, "learner": getattr(said, "network", "attention"), "question": task.question,
        "targets": msgspec.to_builtins(task.asks), "unit": task.unit, "views": task.views, "uncertain": task.uncertain, "listed": task.listed,
        "development": told, "options": msgspec.to_builtins(said), "thresholds": dict(thresholds),
        "fitting": "weights from train units; epoch, calibration and thresholds from tune units; test units were seen by neither",
    }  # fmt: skip


def _figures(known: pl.DataFrame, told: dict[str, object], lines: Mapping[str, Lines]) -> list[Figure]:
    n = known["unit_id"].n_unique()
    counted = [Figure(f"development.{name}", value, n=n) for name, value in told.items() if isinstance(value, int)]
    method = "chosen on the tune units"
    return counted + [Figure(f"threshold.{target}.{name}", value, n=n, method=method) for target, line in lines.items() for name, value in line.serving.items()]


def _lit(value: str, name: str) -> Any:
    import polars as pl

    return pl.lit(value).alias(name)
