"""Fit, calibrate, choose thresholds, seal: the third of the four functions, for tiles.

In        decisions and features of tiles
Out       a sealed bundle of runner "onnx-slides", head "tile"; predictions of the tune tiles, which no weight was fitted on
Method    one hidden layer over a tile's numbers. The network that is kept is the epoch's with the least loss on the tune tiles.
Elsewhere what is said and what stands beside: `tile_say.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.bundle.runners.onnx_planes import BESIDE, MODEL, Beside
from bedside.bundle.runners.onnx_slides import NAME, SLIDES, VERSION, OnnxSlides, Slides
from bedside.bundle.runners.tiles import NAMES
from bedside.bundle.sealed import seal_files
from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.lazy import need
from bedside.core.pillar import Developed, Material
from bedside.core.receipt import Figure
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes import beside
from bedside.pillars.imaging.planes.develop import card, lines_of
from bedside.pillars.imaging.planes.learn import steady
from bedside.pillars.imaging.planes.wanted import yes_no_loss
from bedside.pillars.imaging.slides import mil
from bedside.pillars.imaging.slides.develop import calibrations
from bedside.pillars.imaging.slides.options import SlideOptions, options
from bedside.pillars.imaging.slides.tile_say import BESIDES, numbers, say, wanted

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

TILES = 32
"""Tiles a step for each slide of `batch`."""


def develop(material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
    """Fit on the train tiles and seal; predictions are of the tune tiles."""
    import polars as pl

    task, said = material.task, options(material.model)
    parts = {split: decisions.filter(pl.col("split") == split) for split in ("train", "tune")}
    if any(part.is_empty() for part in parts.values()):
        raise Unusable("there is no tile to train on, or none to tune on", where="decisions", do="see task.split and the cohort's flow")
    train, tune = (features.join(part.select("unit_id").unique(), on="unit_id", how="semi").sort("unit_id") for part in parts.values())
    goals = [wanted(task, part, rows) for part, rows in zip(parts.values(), (train, tune), strict=True)]
    stands = _beside(task, train, goals[0])
    slides, network, told = _fitted(task, numbers(train), numbers(tune), goals, said, material.seed)
    if said.calibrate:
        logits = OnnxSlides(slides, stands, {MODEL: network}).each(numbers(tune))
        slides = msgspec.structs.replace(slides, calibration=calibrations(slides.targets, logits, goals[1]))
    predictions = say(OnnxSlides(slides, stands, {MODEL: network}), task, parts["tune"], tune)
    lines = lines_of(task, predictions, said.thresholds)
    flat = {f"{target}/{name}": value for target, line in lines.items() for name, value in line.serving.items()}
    files = {MODEL: network, SLIDES: canonical.dumps(slides), BESIDE: canonical.dumps(stands)}
    digest = seal_files(out, name=task.name, runner=NAME, runner_version=VERSION, task=task, thresholds=flat, training=training, files=files,
                        card={**card(material, said, told, flat), "learner": "one hidden layer"}, made=material.made)  # fmt: skip
    figures = [Figure(f"development.{name}", value, n=train.height + tune.height) for name, value in told.items() if isinstance(value, int)]
    return Developed(digest, predictions.with_columns(pl.lit(digest).alias("bundle")), lines, figures)


def head(torch: Any, answers: int, hidden: int) -> Any:
    """The module: (n, 22) standardised -> (n, answers)."""
    nn = torch.nn
    return nn.Sequential(nn.Linear(len(NAMES), hidden), nn.ReLU(), nn.Linear(hidden, answers))


def onnx(torch: Any, net: Any) -> bytes:
    """The module as ONNX, for any number of tiles."""
    return mil.onnx(torch, net, len(NAMES), ("answer",))


def _fitted(task: ImageTask, train: Floats, tune: Floats, goals: list[NDArray[np.float64]], said: SlideOptions, seed: int) -> tuple[Slides, bytes, dict[str, object]]:
    seen = train.astype(np.float64)
    centre, scale = seen.mean(0), np.where(seen.std(0) > 1e-9, seen.std(0), 1.0)
    near, far = (((one - centre.astype(np.float32)) / scale.astype(np.float32)).astype(np.float32) for one in (train, tune))
    with steady(seed, 1) as torch:
        net = head(torch, len(task.asks), said.hidden)
        told = _fit(net, near, far, goals, said, seed=seed)
        network = onnx(torch, net)
    slides = Slides("bedside.slides/1", "tile", said.tile, said.mpp, said.tissue, said.most, list(NAMES), centre.tolist(), scale.tolist(),
                    [one.name for one in task.asks])  # fmt: skip
    return slides, network, told


def _fit(net: Any, train: Floats, tune: Floats, goals: list[NDArray[np.float64]], said: SlideOptions, *, seed: int) -> dict[str, object]:
    """Train in place, some tiles a step; the best epoch on the tune tiles stays. Within `learn.steady`."""
    torch = need("torch", extra="imaging")
    draw, size, loss = np.random.default_rng(seed), said.batch * TILES, yes_no_loss(torch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=said.learning_rate, weight_decay=said.weight_decay)
    near, far, goal, held = (torch.from_numpy(np.asarray(one, np.float32)) for one in (train, tune, *goals))
    best, kept, waited, epoch, better = np.inf, mil.weights(net), 0, 0, 0
    for epoch in range(1, said.epochs + 1):
        order = torch.from_numpy(draw.permutation(len(near)))
        for at in range(0, len(order), size):
            rows = order[at : at + size]
            optimiser.zero_grad()
            loss(net(near[rows]), goal[rows]).backward()
            optimiser.step()
        with torch.no_grad():
            now = float(loss(net(far), held))
        best, kept, waited, better = (now, mil.weights(net), 0, epoch) if now < best else (best, kept, waited + 1, better)
        if waited >= said.patience:
            break
    net.load_state_dict(kept)
    net.eval()
    return {"epochs": epoch, "best_epoch": better, "loss_on_tune": round(float(best), 6), "weights": sum(one.numel() for one in net.parameters()),
            "training_tiles": len(near), "tune_tiles": len(far)}  # fmt: skip


def _beside(task: ImageTask, train: pl.DataFrame, goal: NDArray[np.float64]) -> Beside:
    """Base rates, and regressions on how much tissue a tile has and how bright it is; fitted on the train tiles."""
    base, lines = dict[str, float](), {}
    for place, target in enumerate(task.asks):
        rows = ~np.isnan(goal[:, place])
        if not rows.any():
            raise Unusable(f"no train tile has an answer for {target.name}", where="decisions", do="see the cohort's flow, or take out this target")
        base[target.name] = float(goal[rows, place].mean())
        for output, columns in BESIDES.items():
            lines[f"{output}/{target.name}"] = beside.fit_logistic(train.select(columns).to_numpy()[rows], goal[rows, place] == 1)
    return Beside("bedside.beside/1", base, lines)
