"""The image index of the lake as the parts of this pillar need it: units of decision, and who and what they are of.

In        lake/ (images, events) and safe/ of a study
Out       rows of the index that the task asks for, with what was left out counted; subgroups of each subject
Columns   those of the index and `path` (inside the study folder); for subgroups sex, age_band, scanner (manufacturer and model)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bedside.cohort.plan import BIRTH, YEAR_US
from bedside.cohort.stays import BANDS, OLDEST, UNKNOWN
from bedside.core.ids import sha256
from bedside.core.task_image import ImageTask

if TYPE_CHECKING:
    import polars as pl

SEX = "SEX//"


def images_of(root: Path, task: ImageTask, *, keep: tuple[str, ...] = ()) -> tuple[pl.DataFrame, dict[str, int]]:
    """Instances of the wanted modalities with their `path`; how many were left out, by modality.

    keep   modalities that are taken besides those of the task (SEG, where the truth lies)
    """
    import polars as pl

    from bedside.lake.store import Lake

    images = Lake(root / "lake").images().with_columns(pl.lit("safe/").add(pl.col("file")).alias("path"))
    wanted = [*task.modalities, *keep] if task.modalities else images["modality"].unique().to_list()
    other = images.filter(~pl.col("modality").is_in(wanted))
    left_out = other.group_by("modality").len().sort("modality")
    return images.filter(pl.col("modality").is_in(wanted)), {f"instances of modality {name}, not asked for": n for name, n in left_out.iter_rows()}


def subgroups(events: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """The units with `sex`, `age_band` and `scanner`: from the events, else from the headers; "unknown" where neither says.

    units   subject_id, prediction_time, and of the image index: sex, age_years, manufacturer, model
    """
    import polars as pl

    told = events.filter(pl.col("code").str.starts_with(SEX)).group_by("subject_id").agg(
        pl.col("code").sort().last().str.strip_prefix(SEX).alias("_sex"))  # fmt: skip
    birth = events.filter(pl.col("code") == BIRTH).group_by("subject_id").agg(pl.col("time").max().alias("_birth"))
    years = (pl.col("prediction_time") - pl.col("_birth")).dt.total_microseconds() // YEAR_US
    joined = units.join(told, on="subject_id", how="left", maintain_order="left").join(birth, on="subject_id", how="left", maintain_order="left")
    age = pl.coalesce(years, "age_years")
    scanner = pl.concat_str("manufacturer", "model", separator=" ", ignore_nulls=True)
    return joined.with_columns(
        pl.coalesce("_sex", "sex", pl.lit(UNKNOWN)).alias("sex"), _band(age).alias("age_band"),
        pl.when(scanner != "").then(scanner).otherwise(pl.lit(UNKNOWN)).alias("scanner"),
    ).drop("_sex", "_birth", "age_years", "manufacturer", "model")  # fmt: skip


def _band(age: pl.Expr) -> pl.Expr:
    import polars as pl

    bands = pl.lit(OLDEST)
    for below, band in reversed(BANDS):
        bands = pl.when(age < below).then(pl.lit(band)).otherwise(bands)
    return pl.when(age.is_null()).then(pl.lit(UNKNOWN)).otherwise(bands)


def digest_of(root: Path, paths: list[str]) -> str:
    """One digest for the files of a unit, in their order."""
    return sha256("".join(sha256((root / path).read_bytes()) for path in paths).encode())


__all__ = ["digest_of", "images_of", "subgroups"]
