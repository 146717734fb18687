"""What a model says of slides, with what stands beside it, as predictions under contract 4; and the attention of each tile.

In        a runner, the task, decisions (with what was true), the slides in memory
Out       "model"; "mean-tile" (regression on the mean of a slide's tiles, no attention), "amount" (how many tiles, how much tissue), "base-rate"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bedside.bundle.calibration import logistic
from bedside.bundle.runners.onnx_planes import risk
from bedside.bundle.runners.onnx_slides import OnnxSlides
from bedside.core.predictions import conform
from bedside.core.target import Target
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes import beside
from bedside.pillars.imaging.slides.bags import Bags
from bedside.pillars.imaging.slides.cohort import AMOUNT, MEANS

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

BESIDES = {"mean-tile": MEANS, "amount": AMOUNT}
"""What stands beside the model, and the features it is fitted on."""


def say(model: OnnxSlides, task: ImageTask, decisions: pl.DataFrame, packed: Bags) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Predictions of every decision, and the attention of every tile."""
    import polars as pl

    said = [model.numbers(one) for one in packed.tiles]
    logits, attention = np.stack([answer for answer, _ in said]), np.concatenate([weight for _, weight in said])
    parts = []
    for target in task.asks:
        outputs = {"model": _value(model, task, target, logits), "base-rate": np.full(len(packed.names), model.beside.base[target.name])}
        for output, columns in BESIDES.items():
            margins = beside.margins(model.beside.intensity[f"{output}/{target.name}"], packed.features.select(columns).to_numpy())
            outputs[output] = np.clip(np.round(margins), 0, model.slides.steps) if target.kind == "grade" else logistic(margins)
        for output, values in outputs.items():
            told = pl.DataFrame({"unit_id": packed.names, "value": values, "output": [output] * len(values)})
            rows = decisions.filter(pl.col("target") == target.name)
            parts.append(conform(rows.join(told, on="unit_id", how="inner", maintain_order="left")))
    return pl.concat(parts), packed.places.with_columns(pl.Series("attention", attention, dtype=pl.Float32))


def _value(model: OnnxSlides, task: ImageTask, target: Target, logits: Floats) -> NDArray[np.float64]:
    if model.slides.head == "classify":
        return risk(logits[:, model.slides.targets.index(target.name)], model.slides.calibration.get(target.name))
    above = logistic(logits.astype(np.float64))
    if target.kind == "grade":
        return np.asarray((above >= 0.5).sum(axis=1), np.float64)
    step = int(np.ceil(task.at_least[target.name]))
    return above[:, step - 1] if step <= above.shape[1] else np.zeros(len(above))
