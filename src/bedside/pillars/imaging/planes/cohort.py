"""Who is asked, and with which images: the first of the four functions, for every question on 2-D images.

In        a study's lake and safe/, the task
Out       decisions, one row a unit and target that has an answer; features: where the unit's images lie, and how bright they are;
          left-out.parquet, which names every file that was not taken, with the reason
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bedside.core.errors import Misconfigured, Unusable
from bedside.core.pillar import Cohort, Material
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes import splits
from bedside.pillars.imaging.planes.drawn import Boxes, boxes
from bedside.pillars.imaging.planes.truths import truths
from bedside.pillars.imaging.planes.units import INTENSITY, Left, see, units_of

if TYPE_CHECKING:
    import polars as pl

LEFT = "left-out.parquet"
_ABOUT = ("subject_id", "prediction_time", "parent_unit", "modality", "sex", "age_band", "scanner")


def check(task: ImageTask) -> None:
    """`Misconfigured` for questions, targets and codes that do not go together."""
    kinds = {"classify": {"yes-no"}, "grade": {"grade", "yes-no"}, "detect": {"found"}}[task.question]
    wrong = [f"{one.name} is of kind {one.kind}, which question {task.question!r} has no answer for" for one in task.asks if one.kind not in kinds]
    told = task.codes.keys() | (task.segments.keys() if task.question == "detect" else set())
    where = "task.codes or task.segments does not say where" if task.question == "detect" else "task.codes does not say which event holds"
    wrong += [f"{where} the truth of {one.name}" for one in task.asks if one.name not in told]
    if len({one.name for one in task.asks}) < len(task.asks) or not task.asks:
        wrong.append("task.asks is empty, or two targets have one name")
    if task.question == "grade" and not wrong:
        wrong += _grades(task)
    if task.question != "grade" and task.at_least:
        wrong.append("at_least makes a yes-no of a grade, and only question 'grade' has one")
    if wrong:
        raise Misconfigured("; ".join(wrong), where="study.toml, [task]", do="see docs/imaging-2d.md")
    splits.check(task.split)


def _grades(task: ImageTask) -> list[str]:
    """One grade, and yes-no questions about it."""
    graded = [one.name for one in task.asks if one.kind == "grade"]
    if len(graded) != 1:
        return ["question 'grade' wants one target of kind grade"]
    others = [one.name for one in task.asks if one.kind == "yes-no"]
    wrong = [f"task.at_least does not say from which grade on {name} is a yes" for name in others if not task.at_least.get(name, 0) > 0]
    return wrong + [f"{name} is no question about the code of {graded[0]}" for name in others if task.codes[name] != task.codes[graded[0]]]


def cohort(material: Material, out: Path) -> Cohort:
    """Decisions and features of the 2-D images that the task asks about."""
    from bedside.lake.store import Lake

    task: ImageTask = material.task
    seen = see(material.root, task)
    events = Lake(material.root / "lake").events()
    units, images, flow = units_of(seen, events, task, material.root)
    drawn, lost = boxes(material.root, task, seen.masks, images)
    flow |= {f"masks left out: {reason}": sum(one.reason == reason for one in lost) for reason in sorted({one.reason for one in lost})}
    return put_together(task, units, images, events, out, left=[*seen.left, *lost], flow={**seen.flow, **flow}, numbers=INTENSITY, drawn=drawn)


def put_together(task: ImageTask, units: pl.DataFrame, images: pl.DataFrame, events: pl.DataFrame, out: Path, *, left: list[Left],
                 flow: dict[str, int], numbers: tuple[str, ...], drawn: Boxes | None = None) -> Cohort:  # fmt: skip
    """Units, labels and splits to what the study wants of a cohort; also for slides."""
    import polars as pl

    tell(left, units, out)
    told, counts = truths(task, images, events, drawn)
    divided = splits.divide(units, images, events, task.split)
    decisions = told.join(divided.units.select("unit_id", "split", *_ABOUT), on="unit_id", how="inner", maintain_order="left")
    asked = decisions["unit_id"].n_unique()
    words = f"{task.unit}s"
    flow = {**flow, f"{words} there are": units.height, **divided.flow, f"{words} without any label, not asked": divided.units.height - asked,
            **counts, f"{words} asked about": asked, "decisions": decisions.height}  # fmt: skip
    features = divided.units.filter(pl.col("unit_id").is_in(decisions["unit_id"].unique().to_list())).select("unit_id", "images", "digest", *numbers)
    stages = [("instances", flow["instances in the lake"]), (words, units.height), ("subjects", decisions["subject_id"].n_unique()), ("decisions", decisions.height)]
    return Cohort(decisions.sort("unit_id", "target"), features.sort("unit_id"), flow, stages, divided.leakage, {"left_out": len(left)})


def tell(left: list[Left], units: pl.DataFrame, out: Path) -> None:
    """Write down what was left out; `Unusable` when that is everything."""
    import polars as pl

    pl.DataFrame(left, schema={"path": pl.String(), "reason": pl.String()}, orient="row").write_parquet(out / LEFT)
    if units.is_empty():
        raise Unusable("no image is left that the task may ask about", where="the cohort", do=f"see cohort/{LEFT}, task.modalities and task.views")
