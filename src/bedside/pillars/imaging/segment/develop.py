"""Development rows to a sealed bundle: volumes read from the de-identified files, a network fitted, the mean shape beside it.

In        development decisions and features; no test row
Out       the bundle; predictions and measures of the tune split, by the sealed bundle itself. The tune split chose when to stop, so
          that its measures are a little too good; nothing else was fitted on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.bundle.runners.onnx_image import MODEL, NAME, PREPROCESS, VERSION, Preprocess, prepare, prepared_labels
from bedside.bundle.sealed import seal_files
from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.pillar import Developed, Lines, Material
from bedside.core.progress import track
from bedside.core.receipt import Figure
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.segment import atlas
from bedside.pillars.imaging.segment.cases import labels_of, volume_of
from bedside.pillars.imaging.segment.fit import Case, Learned, learn
from bedside.pillars.imaging.segment.network import exported
from bedside.pillars.imaging.segment.options import SegmentOptions, options
from bedside.pillars.imaging.segment.say import ATLAS_FILE, Speaker, say

if TYPE_CHECKING:
    import polars as pl


def develop(material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
    """Fit and seal; what the bundle says of the tune split."""
    import polars as pl

    task, said = material.task, options(material.model)
    recipe = _recipe(task, features.join(decisions.filter(pl.col("split") == "train"), on="unit_id", how="semi"), said)
    train, tune = (cases(material.root, task, decisions.filter(pl.col("split") == name), features, recipe) for name in ("train", "tune"))
    if not train:
        raise Unusable("no series is in the train split", where="the cohort", do="take smaller test and tune fractions, or more subjects")
    learned = learn(train, tune, recipe, said, seed=material.seed)
    files = {MODEL: exported(learned.net, said), PREPROCESS: canonical.dumps(recipe),
             ATLAS_FILE: atlas.dump(atlas.mean_shape([case.labels for case in train], len(recipe.labels) + 1))}  # fmt: skip
    digest = seal_files(out, name=task.name, runner=NAME, runner_version=VERSION, task=task, thresholds={}, training=training, files=files,
                        card=_card(task, said, recipe, learned, train, tune, made=material.made), made=material.made)  # fmt: skip
    told = say(Speaker.open(out), material.root, task, decisions.filter(pl.col("split") == "tune"), features, out=None)
    figures = [Figure("train/tune_dice", best_of(learned), n=len(tune), method="mean over structures and series of the tune split, which chose the step"),
               Figure("train/steps", learned.watched[-1].step), Figure("train/loss", learned.watched[-1].loss)]  # fmt: skip
    return Developed(digest, told.predictions, {target.name: Lines() for target in task.targets}, figures, told.measures)


def cases(root: Path, task: ImageTask, decisions: pl.DataFrame, features: pl.DataFrame, recipe: Preprocess) -> list[Case]:
    """Every unit of these decisions on the model's grid, in the order of their ids."""
    told = {unit: (paths, digest) for unit, paths, digest in features.select("unit_id", "files", "digest").iter_rows()}
    made = []
    for (unit,), rows in track(sorted(decisions.partition_by("unit_id", as_dict=True).items()), "volumes"):
        volume = volume_of(root, *told[str(unit)])
        drawn = labels_of(root, task, dict(rows.select("target", "answer").iter_rows()), volume)
        image, _ = prepare(volume.voxels, volume.affine, recipe)
        made.append(Case(str(unit), image, prepared_labels(drawn, volume.affine, recipe)))
    return made


def best_of(learned: Learned) -> float | None:
    """The best look at the tune split; None without one."""
    looks = [one.dice for one in learned.watched if one.dice == one.dice]
    return max(looks, default=None)


def _recipe(task: ImageTask, features: pl.DataFrame, said: SegmentOptions) -> Preprocess:
    """What happens before the network; the spacing of the training series where [model] names none."""
    spacing = said.spacing_mm or _median(features["spacing_mm"].to_list())
    return Preprocess("bedside.preprocess/1", [target.name for target in task.targets], spacing, said.window, said.brightness, said.low, said.high, said.overlap)


def _median(spacings: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Median of each axis: head, back, left."""
    head, back, left = np.round(np.median(np.array(spacings).reshape(-1, 3), axis=0), 4).tolist() if len(spacings) else (1.0, 1.0, 1.0)
    return head, back, left


def _card(task: ImageTask, said: SegmentOptions, recipe: Preprocess, learned: Learned, train: list[Case], tune: list[Case], *, made: bool) -> dict[str, object]:
    return {
        "schema": "bedside.card/1", "name": task.name, "made": made, "learner": said.network, "outcome": {"name": ", ".join(recipe.labels)},
        "question": task.question, "unit": task.unit, "modalities": list(task.modalities), "options": msgspec.to_builtins(said),
        "preprocessing": msgspec.to_builtins(recipe), "parameters": int(sum(one.numel() for one in learned.net.parameters())),
        "development": {"series": len(train) + len(tune), "train": len(train), "tune": len(tune)},
        "watched": msgspec.to_builtins(learned.watched), "beside": ["atlas"],
        "fitting": "weights fitted on the train split; the step with the best mean Dice of the tune split was kept, so that figures of that split flatter",
    }  # fmt: skip
