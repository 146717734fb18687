"""What a model says of tiles, with what stands beside it, as predictions under contract 4.

In        a runner, the task, decisions (with what was true), features of the tiles
Out       "model"; "intensity" (regression on share of tissue and brightness alone), "base-rate"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bedside.bundle.calibration import logistic
from bedside.bundle.runners.onnx_planes import risk
from bedside.bundle.runners.onnx_slides import OnnxSlides
from bedside.bundle.runners.tiles import NAMES
from bedside.core.predictions import conform
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes import beside

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

BESIDES = {"intensity": ("tissue", "red_mean", "green_mean", "blue_mean")}
"""What stands beside the model, and the features it is fitted on."""


def say(model: OnnxSlides, task: ImageTask, decisions: pl.DataFrame, features: pl.DataFrame) -> pl.DataFrame:
    """Predictions of every decision on these tiles."""
    import polars as pl

    logits, parts = model.each(numbers(features)), []
    for place, target in enumerate(task.asks):
        outputs = {"model": risk(logits[:, place], model.slides.calibration.get(target.name)), "base-rate": np.full(features.height, model.beside.base[target.name])}
        for output, columns in BESIDES.items():
            outputs[output] = logistic(beside.margins(model.beside.intensity[f"{output}/{target.name}"], features.select(columns).to_numpy()))
        rows = decisions.filter(pl.col("target") == target.name)
        for output, values in outputs.items():
            told = features.select("unit_id").with_columns(pl.Series("value", values), pl.lit(output).alias("output"))
            parts.append(conform(rows.join(told, on="unit_id", how="inner", maintain_order="left")))
    return pl.concat(parts)


def numbers(features: pl.DataFrame) -> NDArray[np.float32]:
    """(tiles, 22) as the network reads them."""
    return features.select(NAMES).to_numpy().astype(np.float32)


def wanted(task: ImageTask, decisions: pl.DataFrame, features: pl.DataFrame) -> NDArray[np.float64]:
    """(tiles, targets) what each tile should say, nan where that is not known."""
    import polars as pl

    told = []
    for target in task.asks:
        own = decisions.filter(pl.col("target") == target.name).select("unit_id", pl.col("label").cast(pl.Float64))
        told.append(features.select("unit_id").join(own, on="unit_id", how="left", maintain_order="left")["label"].fill_null(np.nan).to_numpy())
    return np.column_stack(told)
