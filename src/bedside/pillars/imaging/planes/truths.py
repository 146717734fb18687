"""What the labels of a study say of its images: one row a unit and target that has an answer.

In        events whose `encounter_id` names an image (accession number, or UID of its instance, series or study), the images, the task
Out       unit_id, target, and label (yes-no), truth (grade) or answer (found: JSON list of [x, y, width, height] in pixels, from 0);
          counts of what could not be used
Why       accession numbers and UIDs are de-identified alike in DICOM and in tables (roles identifier and uid), so that a label and
          its image still meet. They must also be of one subject: two hospitals may give one number twice.
Refuses   to guess what an uncertain finding (-1) counts as: `Misconfigured` until the task says it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from bedside.core import canonical
from bedside.core.errors import Misconfigured
from bedside.core.target import Target
from bedside.core.task_image import ImageTask

if TYPE_CHECKING:
    import polars as pl

KEYS = ("accession", "instance_uid", "series_uid", "study_uid")
UNCERTAIN = -1.0
_COUNTS_AS = {"ones": True, "zeros": False}
_NUMBER = re.compile(r"[,;\s]+")
Drawn = dict[str, dict[str, list[list[float]]]]
Answer = tuple[str, str, bool | None, float | None, str | None]


def truths(task: ImageTask, images: pl.DataFrame, events: pl.DataFrame, drawn: Drawn | None = None) -> tuple[pl.DataFrame, dict[str, int]]:
    """The answers.

    images   subject_id, unit_id and `KEYS` of every image
    drawn    boxes of lesions that masks show, by image and target; they stand beside those of the events
    """
    import polars as pl

    told, counts = placed(task, images, events)
    read = set(told.filter(pl.col("code") == task.listed)["unit_id"].to_list()) if task.listed else set()
    rows: list[Answer] = []
    shown = {unit: (drawn or {})[uid] for unit, uid in images.select("unit_id", "instance_uid").iter_rows() if uid in (drawn or {})}
    for target in task.asks:
        said = told.filter(pl.col("code") == task.codes.get(target.name, ""))
        rows += _answers(task, target, said, read, counts, {unit: boxes[target.name] for unit, boxes in shown.items()})
    names = {"unit_id": pl.String(), "target": pl.String(), "label": pl.Boolean(), "truth": pl.Float64(), "answer": pl.String()}
    return pl.DataFrame(rows, schema=names, orient="row").sort("unit_id", "target"), {what: n for what, n in sorted(counts.items()) if n}


def keyed(images: pl.DataFrame) -> pl.DataFrame:
    """Every name that a label may call an image by: subject_id, key, unit_id."""
    import polars as pl

    parts = [images.select("subject_id", pl.col(name).alias("key"), "unit_id") for name in KEYS]
    return pl.concat(parts).filter(pl.col("key").is_not_null() & (pl.col("key") != "")).unique(maintain_order=True)


def placed(task: ImageTask, images: pl.DataFrame, events: pl.DataFrame) -> tuple[pl.DataFrame, Counter[str]]:
    """The label events with the unit that each speaks of; what names no image is counted."""
    import polars as pl

    wanted = [*task.codes.values(), *([task.listed] if task.listed else [])]
    told = events.filter(pl.col("code").is_in(wanted) & (pl.col("status") != "retracted"))
    joined = told.join(keyed(images), left_on=["subject_id", "encounter_id"], right_on=["subject_id", "key"], how="left", maintain_order="left")
    lost = joined.filter(pl.col("unit_id").is_null())
    counts = Counter({"labelled images that are not among those taken": lost.select("subject_id", "encounter_id").n_unique() if lost.height else 0})
    found = joined.filter(pl.col("unit_id").is_not_null())
    if task.question != "detect" and task.unit != "tile":
        return found, counts
    several = pl.col("unit_id").n_unique().over("subject_id", "encounter_id") > 1
    counts["labels that name several images, of which one is meant, not used"] = found.filter(several).height
    return found.filter(~several), counts


def _answers(task: ImageTask, target: Target, said: pl.DataFrame, read: set[str], counts: Counter[str], drawn: dict[str, list[list[float]]]) -> list[Answer]:
    by_unit: dict[str, list[tuple[float | None, str | None]]] = {}
    for unit, value, text in said.select("unit_id", "numeric_value", "text_value").iter_rows():
        by_unit.setdefault(unit, []).append((value, text))
    if target.kind == "found":
        return [_boxes(target, unit, by_unit.get(unit, []), drawn.get(unit, []), counts) for unit in sorted(by_unit.keys() | read | drawn.keys())]
    found = [_one(task, target, unit, {1.0 if value is None else value for value, _ in told}, counts) for unit, told in sorted(by_unit.items())]
    rows = [row for row in found if row is not None]
    if target.kind == "yes-no" and target.name not in task.at_least:
        rows += [(unit, target.name, False, None, None) for unit in sorted(read - by_unit.keys())]
    return rows


def _one(task: ImageTask, target: Target, unit: str, values: set[float], counts: Counter[str]) -> Answer | None:
    """The answer for one unit, None where there is none that may be used."""
    if len(values) > 1:
        counts[f"{target.name}: labels that contradict each other, not used"] += 1
        return None
    value = values.pop()
    if target.kind == "grade":
        if value < 0 or value != int(value):
            counts[f"{target.name}: grades that are no whole number from 0, not used"] += 1
            return None
        return unit, target.name, None, value, None
    if target.name in task.at_least:
        return unit, target.name, value >= task.at_least[target.name], None, None
    if value == UNCERTAIN:
        return _uncertain(task, target, unit, counts)
    if value not in (0.0, 1.0):
        counts[f"{target.name}: labels other than 1, 0 and -1, not used"] += 1
        return None
    return unit, target.name, value == 1.0, None, None


def _uncertain(task: ImageTask, target: Target, unit: str, counts: Counter[str]) -> Answer | None:
    if task.uncertain is None:
        raise Misconfigured(f"{target.name} is uncertain (-1) in some images, and the task does not say what that counts as",
                            where="study.toml, [task] uncertain", do='add uncertain = "ones", "zeros" or "ignore"')  # fmt: skip
    counts[f"{target.name}: uncertain, {'left out' if task.uncertain == 'ignore' else 'counted as ' + task.uncertain}"] += 1
    return None if task.uncertain == "ignore" else (unit, target.name, _COUNTS_AS[task.uncertain], None, None)


def _boxes(target: Target, unit: str, told: list[tuple[float | None, str | None]], drawn: list[list[float]], counts: Counter[str]) -> Answer:
    boxes = [box(text or "") for _, text in told]
    counts[f"{target.name}: places that are no numbers, not used"] += boxes.count(None)
    return unit, target.name, None, None, canonical.dumps(sorted([*(one for one in boxes if one is not None), *drawn])).decode()


def box(text: str) -> list[float] | None:
    """Place of a lesion: left, top, width and height in pixels; a point has no width.

    >>> box("225.1,547,86.5,79"), box("30; 40"), box("left lung")
    ([225.1, 547.0, 86.5, 79.0], [30.0, 40.0, 0.0, 0.0], None)
    """
    try:
        numbers = [float(part) for part in _NUMBER.split(text.strip()) if part]
    except ValueError:
        return None
    if len(numbers) not in (2, 4) or any(number != number or abs(number) == float("inf") for number in numbers):
        return None
    return [*numbers, 0.0, 0.0][:4] if len(numbers) == 2 else numbers if min(numbers[2:]) >= 0 else None
