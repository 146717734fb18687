"""What a network should say of each image, and the loss that compares: findings, grades or places of lesions.

In        decisions of development units, their pack
Out       (m, ...) float32, nan where nothing is known; the loss; how many answers the network gives
Source    focal loss of heat maps: Law & Deng, ECCV 2018 (CornerNet), equation 1, with alpha 2 and beta 4
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.core.errors import Unusable
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes.nets import STRIDE
from bedside.pillars.imaging.planes.pack import Pack

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_ALPHA, _BETA = 2, 4


def column(decisions: pl.DataFrame, pack: Pack, target: str, name: str) -> NDArray[np.float64]:
    """(units,) of one column of one target's decisions, nan where there is none."""
    rows = decisions.filter(decisions["target"] == target)
    told = dict(zip(rows["unit_id"].to_list(), rows[name].to_list(), strict=True))
    return np.array([np.nan if told.get(unit) is None else float(told[unit]) for unit in pack.names])


def boxes_of(decisions: pl.DataFrame, target: str) -> dict[str, list[list[float]]]:
    """Of each unit asked about this target its lesions, in pixels of the image."""
    rows = decisions.filter(decisions["target"] == target)
    return {unit: msgspec.json.decode(answer, type=list[list[float]]) for unit, answer in zip(rows["unit_id"].to_list(), rows["answer"].to_list(), strict=True)}


def findings(task: ImageTask, decisions: pl.DataFrame, pack: Pack) -> Floats:
    """(m, targets)."""
    table = np.column_stack([column(decisions, pack, one.name, "label") for one in task.asks])
    return table[pack.unit].astype(np.float32)


def grades(task: ImageTask, decisions: pl.DataFrame, pack: Pack) -> tuple[Floats, int]:
    """(m, steps) whether the grade is above 0, above 1, ...; and how many steps there are."""
    graded = column(decisions, pack, next(one.name for one in task.asks if one.kind == "grade"), "truth")
    if np.isnan(graded).all() or np.nanmax(graded) < 1:
        raise Unusable("the development images have one grade alone", where="decisions", do="see task.codes and the labels")
    steps = int(np.nanmax(graded))
    table = np.where(np.isnan(graded)[:, None], np.nan, graded[:, None] > np.arange(steps))
    return table[pack.unit].astype(np.float32), steps


def maps(task: ImageTask, decisions: pl.DataFrame, pack: Pack, *, radius: float) -> Floats:
    """(m, targets, size / 4, size / 4): 1 at a lesion's centre, falling like a Gaussian; nan where a target was not asked."""
    cells = pack.pixels.shape[-1] // STRIDE
    whole = np.full((len(pack.unit), len(task.asks), cells, cells), np.nan, np.float32)
    for place, target in enumerate(task.asks):
        told = boxes_of(decisions, target.name)
        for image, unit in enumerate(pack.unit):
            boxes = told.get(pack.names[unit])
            if boxes is not None:
                whole[image, place] = _marked([centre(box, pack, image) for box in boxes], cells, radius / STRIDE)
    return whole


def centre(box: list[float], pack: Pack, image: int) -> tuple[float, float]:
    """Centre of a box of an image, in pixels of the square."""
    return pack.ways[image].there(box[0] + box[2] / 2, box[1] + box[3] / 2)


def _marked(centres: list[tuple[float, float]], cells: int, radius: float) -> Floats:
    down, right = np.mgrid[:cells, :cells]
    marked = np.zeros((cells, cells), np.float32)
    for x, y in centres:
        column_, row = (min(max(round((at + 0.5) / STRIDE - 0.5), 0), cells - 1) for at in (x, y))
        marked = np.maximum(marked, np.exp(-((right - column_) ** 2 + (down - row) ** 2) / (2 * max(radius, 0.3) ** 2)).astype(np.float32))
    return marked


def yes_no_loss(torch: Any) -> Any:
    """Mean cross entropy over what is known."""

    def loss(said: Any, wanted: Any) -> Any:
        known = ~torch.isnan(wanted)
        each = torch.nn.functional.binary_cross_entropy_with_logits(said, torch.where(known, wanted, torch.zeros_like(wanted)), reduction="none")
        return (each * known).sum() / known.sum().clamp(min=1)

    return loss


def heat_loss(torch: Any) -> Any:
    """Focal loss of heat maps, for each lesion; an image without lesions counts as one lesion."""

    def loss(said: Any, wanted: Any) -> Any:
        known = ~torch.isnan(wanted)
        goal = torch.where(known, wanted, torch.zeros_like(wanted))
        risk = torch.sigmoid(said).clamp(1e-5, 1 - 1e-5)
        centres = (goal == 1).float()
        near = centres * (1 - risk) ** _ALPHA * torch.log(risk)
        far = (1 - centres) * (1 - goal) ** _BETA * risk**_ALPHA * torch.log(1 - risk)
        return -((near + far) * known).sum() / (centres * known).sum().clamp(min=len(said))

    return loss
