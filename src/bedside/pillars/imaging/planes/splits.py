"""Who develops and who tests: by subject, or as the data declare it. An image that two subjects share keeps them together.

In        units (unit_id, subject_id), their images (with `print`, a digest of what is shown), events SPLIT//train, //tune, //test
Out       the units with `split`; what was checked for leaks, in counts
Refuses   a subject, or copies of one image, in two splits of a declared division
Elsewhere the draw itself: `cohort/splits.py`, a keyed hash of the subject, so that a cohort that grows keeps everybody in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bedside.cohort.splits import check as fractions
from bedside.cohort.splits import place
from bedside.core.errors import Misconfigured, Refused
from bedside.core.split import Split
from bedside.pillars.imaging.planes.truths import keyed

if TYPE_CHECKING:
    import polars as pl

DECLARED = "SPLIT//"
_NAMES = ("train", "tune", "test")


class Divided(NamedTuple):
    """Units with `split`; leaks looked for; and what the division left out."""

    units: pl.DataFrame
    leakage: dict[str, int]
    flow: dict[str, int]


def check(split: Split) -> None:
    """`Misconfigured` for a division that images cannot be given."""
    if split.folds or split.by not in ("subject", "declared"):
        raise Misconfigured("2-D images and slides are divided by subject, or as the data declare it; without folds",
                            where="task.split", do='set by = "subject" or by = "declared", and take out folds')  # fmt: skip
    fractions(split)


def divide(units: pl.DataFrame, images: pl.DataFrame, events: pl.DataFrame, split: Split) -> Divided:
    """The units with their split."""
    import polars as pl

    leader, alike = together(images)
    if split.by == "declared":
        given = _declared(units, images, events)
    else:
        places = {one: place(leader.get(one, one), split) for one in units["subject_id"].unique().to_list()}
        given = units.with_columns(pl.col("subject_id").replace_strict(places, return_dtype=pl.String).alias("split"))
    kept = given.filter(pl.col("split").is_not_null())
    where = dict(kept.select("unit_id", "split").iter_rows())
    torn = sum(one in where and other in where and where[one] != where[other] for one, other in alike)
    leaks = {"subjects in two splits": _torn(kept, "subject_id"), "copies of an image in another split": torn}
    if any(leaks.values()):
        raise Refused("; ".join(f"{n} {what}" for what, n in leaks.items() if n), where="the declared split",
                      do='correct the SPLIT events, or set by = "subject" in [task.split]')  # fmt: skip
    lost = given.height - kept.height
    return Divided(kept, leaks | {"copies of an image, kept in its split": len(alike) - torn}, {"units in no declared split": lost} if lost else {})


def together(images: pl.DataFrame) -> tuple[dict[int, int], list[tuple[str, str]]]:
    """Of subjects that share an image: the lowest of their group; and of each copy the unit it is in with that of the first one."""
    leader: dict[int, int] = {}

    def top(one: int) -> int:
        while leader.get(one, one) != one:
            one = leader[one]
        return one

    first, found = dict[str, tuple[str, int]](), list[tuple[str, str]]()
    for shown, unit, subject in images.sort("subject_id", "unit_id").select("print", "unit_id", "subject_id").iter_rows():
        if shown not in first:
            first[shown] = (unit, subject)
        elif unit != first[shown][0]:
            found.append((first[shown][0], unit))
            low, high = sorted((top(first[shown][1]), top(subject)))
            leader[high] = leader[low] = low
    return {one: top(one) for one in leader}, found


def _torn(rows: pl.DataFrame, by: str) -> int:
    import polars as pl

    return rows.group_by(by).agg(pl.col("split").n_unique()).filter(pl.col("split") > 1).height


def _declared(units: pl.DataFrame, images: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The split that the data say of each unit, by its image or, where an event names none, by its subject."""
    import polars as pl

    told = events.filter(pl.col("code").str.starts_with(DECLARED)).with_columns(pl.col("code").str.strip_prefix(DECLARED).alias("split"))
    strange = told.filter(~pl.col("split").is_in(_NAMES))["split"].n_unique()
    if strange or told.is_empty():
        raise Misconfigured("the data declare no split, or one that is none of train, tune and test", where="task.split, by",
                            do="let the mapping give events SPLIT//train, SPLIT//tune and SPLIT//test")  # fmt: skip
    by_image = told.join(keyed(images), left_on=["subject_id", "encounter_id"], right_on=["subject_id", "key"]).select("unit_id", "split")
    by_subject = told.filter(pl.col("encounter_id").is_null()).join(units.select("unit_id", "subject_id"), on="subject_id").select("unit_id", "split")
    both = pl.concat([by_image, by_subject]).unique()
    if _torn(both, "unit_id"):
        raise Refused("a unit is declared to be in two splits", where="the declared split", do="correct the SPLIT events")
    return units.join(both, on="unit_id", how="left", maintain_order="left")
