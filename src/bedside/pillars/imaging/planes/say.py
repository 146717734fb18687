"""What a model says of units, as predictions under contract 4: the model itself, and what stands beside it.

In        a runner, the task, decisions (with what was true), features, the pack of their images
Out       predictions: "model"; "intensity" and "base-rate" beside findings and grades, "spots" beside lesions
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bedside.bundle.calibration import logistic
from bedside.bundle.runners.onnx_planes import Lesion, OnnxPlanes, peaks
from bedside.core.predictions import conform
from bedside.core.target import Target
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes import beside, marks, spots, wanted
from bedside.pillars.imaging.planes.pack import Pack

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Values = dict[str, NDArray[np.float64]]


def say(model: OnnxPlanes, task: ImageTask, decisions: pl.DataFrame, features: pl.DataFrame, packed: Pack) -> pl.DataFrame:
    """Predictions of every decision."""
    import polars as pl

    logits = model.logits(packed.brightness)
    if task.question == "detect":
        return pl.concat(_lesions(model, task, decisions, packed, logits))
    table = features.filter(features["unit_id"].is_in(packed.names)).sort("unit_id").select(model.beside.columns).to_numpy()
    own = _values(model, task, packed.by_unit(logits))
    parts = []
    for target in task.asks:
        outputs = {"model": own[target.name], "intensity": _intensity(model, target, table),
                   "base-rate": np.full(len(packed.names), model.beside.base[target.name])}  # fmt: skip
        parts += [_rows(decisions, target, name, packed, values) for name, values in outputs.items()]
    return pl.concat(parts)


def _values(model: OnnxPlanes, task: ImageTask, logits: NDArray[np.float32]) -> Values:
    """Of each target the model's value of each unit."""
    if task.question == "classify":
        return model.findings(logits)
    grade, above = model.grades(logits)
    steps = {one.name: int(np.ceil(task.at_least.get(one.name, 0))) for one in task.asks}
    return {one.name: grade if one.kind == "grade" else above[:, steps[one.name] - 1] if steps[one.name] <= above.shape[1] else np.zeros(len(grade))
            for one in task.asks}  # fmt: skip


def _intensity(model: OnnxPlanes, target: Target, table: NDArray[np.float64]) -> NDArray[np.float64]:
    margins = beside.margins(model.beside.intensity[target.name], table)
    return np.clip(np.round(margins), 0, model.planes.steps) if target.kind == "grade" else logistic(margins)


def _rows(decisions: pl.DataFrame, target: Target, output: str, packed: Pack, values: NDArray[np.float64]) -> pl.DataFrame:
    import polars as pl

    said = pl.DataFrame({"unit_id": packed.names, "value": values})
    rows = decisions.filter(pl.col("target") == target.name).join(said, on="unit_id", how="inner", maintain_order="left")
    return conform(rows.with_columns(pl.lit(output).alias("output")))


def _lesions(model: OnnxPlanes, task: ImageTask, decisions: pl.DataFrame, packed: Pack, logits: NDArray[np.float32]) -> list[pl.DataFrame]:
    """Rows of things found and missed, of the network and of the spot detector."""
    import polars as pl

    found = [model.lesions(one, way) for one, way in zip(logits, packed.ways, strict=True)]
    size = model.planes.size
    square = packed.brightness.mean(axis=1)
    apart = max(model.planes.apart, 2 * model.beside.spots[spots.SIGMA])
    spotted = [[Lesion(*way.back(x, y), score) for x, y, score in peaks(spots.heat(image, model.beside.spots), stride=1, apart=apart, floor=model.planes.floor)
                if 0 <= x < size and 0 <= y < size] for image, way in zip(square, packed.ways, strict=True)]  # fmt: skip
    parts = []
    for target in task.asks:
        boxes, rows = wanted.boxes_of(decisions, target.name), decisions.filter(pl.col("target") == target.name)
        for output, lesions in (("model", [one[target.name] for one in found]), ("spots", spotted)):
            said = {packed.names[unit]: marks.match(one, boxes[packed.names[unit]], within=task.within_px)
                    for unit, one in zip(packed.unit, lesions, strict=True) if packed.names[unit] in boxes}  # fmt: skip
            parts.append(conform(marks.rows(rows, said, output)))
    return parts
