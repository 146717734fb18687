"""Rows of the features and decisions to volumes and masks, read from the de-identified files, every digest checked.

In        features (files and their digest), decisions (answer: where the mask lies), the study folder
Out       the volume of a unit, and its labels
Refuses   a file that is not what the cohort saw
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.core.errors import Refused
from bedside.core.ids import sha256
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.index import digest_of
from bedside.pillars.imaging.segment import truth
from bedside.pillars.imaging.series.read import File, read
from bedside.pillars.imaging.series.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DO = "run the study again from the step `cohort`"


class Answer(msgspec.Struct, frozen=True):
    """What stands in `answer` of a decision: the SEG that holds the mask, its digest, and the numbers of the segments."""

    path: str
    digest: str
    segments: list[int]


def segments_of(task: ImageTask) -> dict[str, list[str]]:
    """Of each target the labels or codes of its segments; its own name where the task says nothing."""
    return {target.name: task.segments.get(target.name, [target.name]) for target in task.targets}


def volume_of(root: Path, paths: Sequence[str], digest: str) -> Volume:
    """The volume of a unit; `Refused` when its files have changed since the cohort was made."""
    if digest_of(root, list(paths)) != digest:
        raise Refused("images are not what the cohort saw", where=f"{paths[0]} and the rest of its series", do=_DO)
    return read(File(path, (root / path).read_bytes()) for path in paths)[0].volumes[0]


def labels_of(root: Path, task: ImageTask, answers: Mapping[str, str | None], volume: Volume) -> NDArray[np.uint8]:
    """Labels of a unit on its volume's grid: n for the n-th target.

    answers   of each target what the decisions say of this unit
    """
    masks: dict[str, truth.Mask] = {}
    whole = np.zeros(volume.voxels.shape, np.uint8)
    wanted = segments_of(task)
    for number, name in enumerate(wanted, 1):
        told = answers.get(name)
        if told is None:
            continue
        answer = msgspec.json.decode(told, type=Answer)
        if answer.path not in masks:
            data = (root / answer.path).read_bytes()
            if sha256(data) != answer.digest:
                raise Refused("a mask is not what the cohort saw", where=answer.path, do=_DO)
            masks[answer.path] = truth.read(data, where=answer.path)
        drawn = truth.labels(masks[answer.path], volume, {name: wanted[name]})
        whole[(drawn > 0) & (whole == 0)] = number
    return whole
