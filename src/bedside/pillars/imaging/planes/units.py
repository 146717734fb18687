"""Which images there are and what each unit of decision is made of; every image is decoded once here, so that none fails later.

In        lake/ and safe/ of a study, the task
Out       `Seen`: one row an image that is taken (header, brightness, a digest of what it shows); what was left out, each with its reason
Views     by ViewPosition (0018,5101), else PatientOrientation (0020,0020): PA, AP, LL, RL, LATERAL, or rows that run to the left and down
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.bundle.runners import plane
from bedside.core import canonical
from bedside.core.errors import Malformed
from bedside.core.ids import sha256
from bedside.core.task_image import ImageTask
from bedside.formats import dicom
from bedside.formats.files import RawFile
from bedside.pillars.imaging.index import images_of, subgroups

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

INTENSITY = ("brightness", "deviation", "p05", "p25", "p50", "p75", "p95", "log_rows", "log_columns")
"""What stands beside the model is fitted on these: no shape, only how bright and how large."""
FRONTAL, LATERAL = frozenset({"PA", "AP"}), frozenset({"LL", "RL", "LATERAL", "LAT", "LLD", "RLD"})
MASK = "SEG"
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Left(NamedTuple):
    """One file that is not taken, and why."""

    path: str
    reason: str


class Seen(NamedTuple):
    """Images that are taken, what was left out, counts for the flow; and where masks lie, if the task asks for what is drawn in them."""

    images: pl.DataFrame
    left: list[Left]
    flow: dict[str, int]
    masks: list[str] = []  # noqa: RUF012 (a NamedTuple's default is never written to)


def load(root: Path, path: str) -> Any:
    """The data set of a de-identified file of the study. Raises `Malformed`."""
    name = Path(path).name
    return dicom.parse(RawFile("safe", "dicom", root / path, name, name).read(), where=path)


def image(root: Path, path: str) -> NDArray[np.float32]:
    """What a de-identified file shows, 0 to 1. Raises `Malformed`."""
    return plane.of(load(root, path), where=path)


def see(root: Path, task: ImageTask) -> Seen:
    """Read every image that the task may ask about."""
    import polars as pl

    whole, other = images_of(root, task, keep=(MASK,) if task.segments else ())
    index = whole.filter(pl.col("modality") != MASK) if task.segments else whole
    masks = whole.filter(pl.col("modality") == MASK)["path"].to_list() if task.segments else []
    rows, left, met = list[dict[str, object]](), list[Left](), set[str]()
    for path, instance, study in index.select("path", "instance_uid", "study_uid").iter_rows():
        try:
            row = _row(root, path, task)
        except Malformed as error:
            left.append(Left(path, error.what))
            continue
        if not (study if task.unit == "study" else instance):
            left.append(Left(path, "an image whose study has no UID"))
        elif instance in met:
            left.append(Left(path, "an image that was sent twice"))
        elif isinstance(row, str):
            left.append(Left(path, row))
        else:
            rows.append(row)
            met.add(instance)
    frame = pl.DataFrame(rows, schema=_schema(), orient="row").join(index, on="path", how="left", maintain_order="left")
    flow = {"instances in the lake": whole.height + sum(other.values()), **other, **({"masks": len(masks)} if masks else {})}
    for reason in sorted({one.reason for one in left}):
        flow[f"left out: {reason}"] = sum(one.reason == reason for one in left)
    return Seen(frame, left, flow | {"images taken": frame.height}, masks)


def view_of(header: Any) -> str:
    """frontal, lateral, or unknown.

    >>> view_of({"ViewPosition": "PA"}), view_of({"PatientOrientation": ["A", "F"]}), view_of({})
    ('frontal', 'lateral', 'unknown')
    """
    said = str(header.get("ViewPosition") or "").upper().replace("_", " ").split(" ")[0]
    if said in FRONTAL:
        return "frontal"
    if said in LATERAL:
        return "lateral"
    rows = str((header.get("PatientOrientation") or [""])[0])[:1]
    return "frontal" if rows in ("L", "R") else "lateral" if rows in ("A", "P") else "unknown"


def _row(root: Path, path: str, task: ImageTask) -> dict[str, object] | str:
    """What is known of one image, or why it is not taken."""
    header = load(root, path)
    view = view_of(header)
    if task.views not in ("any", view):
        return f"a view that is not {task.views}, or not said" if view == "unknown" else f"a {view} view"
    shown = plane.of(header, where=path)
    grey = plane.grey(shown)
    values = [grey.mean(), grey.std(), *np.quantile(grey, _QUANTILES), np.log(shown.shape[0]), np.log(shown.shape[1])]
    return {"path": path, "accession": str(header.get("AccessionNumber") or "").strip(), "view": view,
            "print": sha256(np.round(shown * 255).astype(np.uint8).tobytes() + str(shown.shape).encode()),
            **{name: float(np.float32(value)) for name, value in zip(INTENSITY, values, strict=True)}}  # fmt: skip


def _schema() -> dict[str, Any]:
    import polars as pl

    return {"path": pl.String(), "accession": pl.String(), "view": pl.String(), "print": pl.String(), **dict.fromkeys(INTENSITY, pl.Float64())}


def unit_column(task: ImageTask) -> str:
    return {"image": "instance_uid", "study": "study_uid", "slide": "series_uid"}[task.unit]


def units_of(seen: Seen, events: pl.DataFrame, task: ImageTask, root: Path) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, int]]:
    """One row a unit: whose, when, its images (JSON list of paths), brightness; the images with their `unit_id`; and counts.

    A unit whose images are of two subjects is nobody's, and is left out.
    """
    import polars as pl

    images = seen.images.with_columns(pl.col(unit_column(task)).alias("unit_id")).sort("unit_id", "path")
    grouped = images.group_by("unit_id", maintain_order=True).agg(
        pl.col("subject_id").first(), pl.col("subject_id").n_unique().alias("_people"), pl.col("time").min().alias("prediction_time"),
        pl.col("study_uid").first().alias("parent_unit"), pl.col("modality").first(), pl.col("path").alias("_paths"),
        *(pl.col(name).drop_nulls().first() for name in ("sex", "age_years", "manufacturer", "model")),
        *(pl.col(name).mean() for name in INTENSITY))  # fmt: skip
    whole = grouped.filter(pl.col("_people") == 1).drop("_people")
    paths = whole["_paths"].to_list()
    whole = whole.drop("_paths").with_columns(
        pl.Series("images", [canonical.dumps(one).decode() for one in paths], dtype=pl.String),
        pl.Series("digest", [sha256("".join(sha256((root / path).read_bytes()) for path in one).encode()) for one in paths], dtype=pl.String))  # fmt: skip
    kept = images.filter(pl.col("unit_id").is_in(whole["unit_id"].to_list()))
    lost = grouped.height - whole.height
    return subgroups(events, whole), kept, {"units of two subjects, left out": lost} if lost else {}
