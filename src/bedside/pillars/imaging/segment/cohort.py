"""Series of the lake to units of decision: read, judged, joined with their masks, divided; what is left out is counted with its reason.

In        the image index and events of the lake, the files in safe/, the task
Out       decisions: one row a series and structure, `answer` names the SEG that holds the truth; features: files and digest of a series,
          geometry (spacing_mm: head, back, left); series.json: the verdict of every series
Refuses   a subject, or nearly one image, in two splits
Counts    instances in the lake = of modalities not asked for + in series left out or set aside, by reason + in units + masks used + masks left out
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.bundle.runners.onnx_image import turning
from bedside.core import canonical
from bedside.core.errors import Malformed, Refused, Unusable
from bedside.core.ids import sha256
from bedside.core.pillar import Cohort, Material
from bedside.core.progress import track
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging import near
from bedside.pillars.imaging.index import digest_of, images_of, subgroups
from bedside.pillars.imaging.segment import truth
from bedside.pillars.imaging.segment.cases import Answer, segments_of
from bedside.pillars.imaging.series.read import File, Series, read
from bedside.pillars.imaging.series.verdict import Verdict
from bedside.pillars.imaging.series.volume import Volume

if TYPE_CHECKING:
    import polars as pl

_MASK = "SEG"
_SHOWN = ("subject_id", "study_uid", "series_uid", "modality", "time", "manufacturer", "model", "sex", "age_years")


class Judged(msgspec.Struct, frozen=True):
    """One series in series.json: under the UIDs of the de-identified files."""

    series_uid: str
    modality: str
    instances: int
    verdict: Verdict
    left_out: str | None = None
    rejects: dict[str, str] = {}


def cohort(material: Material, out: Path) -> Cohort:
    """Decisions and features of a segmentation task."""
    import polars as pl

    task: ImageTask = material.task
    images, left_out = images_of(material.root, task, keep=(_MASK,))
    work = _Work(material.root, task)
    masks = images.filter(pl.col("modality") == _MASK)
    work.take_masks(dict(masks.select("path", "subject_id").iter_rows()))
    for (uid,), rows in track(sorted(images.filter(pl.col("modality") != _MASK).partition_by("series_uid", as_dict=True).items()), "series"):
        work.take_series(str(uid), rows)
    work.strangers()
    flow = {"instances in the lake": images.height + sum(left_out.values()), **left_out, **work.flow()}
    (out / "series.json").write_bytes(canonical.dumps({"schema": "bedside.series/1", "series": work.judged, "masks left out": work.lost_masks}))
    if not work.units:
        raise Unusable("no series with a mask is left", where="the lake's images", do=f"see why: {_reasons(work.judged)}")
    return _divided(material, work, flow)


class _Work:
    """Units as they come to be."""

    def __init__(self, root: Path, task: ImageTask) -> None:
        self.root, self.task, self.wanted = root, task, segments_of(task)
        self.judged: list[Judged] = []
        self.units: list[dict[str, Any]] = []
        self.lost: Counter[str] = Counter()
        self.lost_masks: dict[str, str] = {}
        self.masks: dict[str, list[truth.Mask]] = defaultdict(list)
        self.used: set[str] = set()
        self._digests: dict[str, str] = {}
        self._subjects: dict[str, str] = {}

    def take_masks(self, subjects: dict[str, str]) -> None:
        """Masks by their path, and whose they are."""
        self._subjects = subjects
        for path in sorted(subjects):
            data = (self.root / path).read_bytes()
            try:
                mask = truth.read(data, where=path)
            except Malformed as error:
                self.lost_masks[path] = error.what
                continue
            self._digests[path] = sha256(data)
            self.masks[mask.series_uid].append(mask)

    def take_series(self, uid: str, rows: pl.DataFrame) -> None:
        """One series: read, judged, and a unit when it has one volume and its masks fit."""
        paths = sorted(rows["path"].to_list())
        files = (File(path, (self.root / path).read_bytes()) for path in paths)
        series = read(files, resample=self.task.irregular == "resample")
        why, unit = self._unit(series[0], rows, paths) if len(series) == 1 else ("its files belong to several series", None)
        self.judged.append(Judged(uid, str(rows["modality"][0]), len(paths), series[0].verdict, why, series[0].rejects))
        if unit is None:
            self.lost[f"instances of series left out: {why}"] += len(paths)
        else:
            self.units.append(unit)
            self.lost.update(f"instances set aside: {reason}" for reason in series[0].rejects.values())

    def _unit(self, series: Series, rows: pl.DataFrame, paths: list[str]) -> tuple[str | None, dict[str, Any] | None]:
        if not series.uid or rows["subject_id"].n_unique() > 1:
            return "instances of several patients, or without a series UID", None
        if series.verdict.decision == "refuse" or not series.volumes:
            return f"{series.verdict.decision}: {series.verdict.reason}", None
        if len(series.volumes) > 1:
            return "several volumes in one series", None
        volume = series.volumes[0]
        answers, why = self._answers(series, volume, str(rows["subject_id"][0]))
        if why is not None:
            return why, None
        told, paths = rows.sort("time", "instance_uid").row(0, named=True), [path for path in paths if path not in series.rejects]
        return None, {
            **{name: told[name] for name in _SHOWN}, "answers": answers, "files": paths, "digest": digest_of(self.root, paths),
            "verdict": series.verdict.decision, "reason": series.verdict.reason, "slices": volume.voxels.shape[0], "rows": volume.voxels.shape[1],
            "columns": volume.voxels.shape[2], "spacing_mm": [volume.spacing[axis] for axis in turning(volume.voxels.shape, volume.affine).axes],
            "print": near.fingerprint(volume.voxels),
        }  # fmt: skip

    def _answers(self, series: Series, volume: Volume, subject: str) -> tuple[dict[str, Answer], str | None]:
        """Of each target where its truth lies; or why the series cannot be judged."""
        found: dict[str, Answer] = {}
        drawn: set[tuple[str, ...]] = set()
        for mask in self.masks.get(series.uid, []):
            try:
                told, print_ = self._told(mask, volume, subject)
            except Malformed as error:
                self.lost_masks[mask.where] = error.what
                continue
            if print_ in drawn:
                self.lost_masks[mask.where] = "a copy of another mask"
            elif found.keys() & told.keys():
                return {}, "two masks of one structure"
            else:
                drawn.add(print_)
                found |= {name: Answer(mask.where, self._digests[mask.where], numbers) for name, numbers in told.items()}
        return found, None if found.keys() == self.wanted.keys() else "no mask that fits" if not found else "no mask of some of the structures"

    def _told(self, mask: truth.Mask, volume: Volume, subject: str) -> tuple[dict[str, list[int]], tuple[str, ...]]:
        """The segments of each structure, and what tells this mask from another: structures and voxels. `Malformed` for what is no truth here."""
        if str(self._subjects[mask.where]) != subject:
            raise Malformed("a mask of another patient than its series", where=mask.where, do="correct the patient's identifier of one of them")
        told = {name: numbers for name, names in self.wanted.items() if (numbers := mask.numbers(names))}
        voxels = truth.labels(mask, volume, {name: self.wanted[name] for name in told})
        if not told:
            raise Malformed("a mask of other structures", where=mask.where, do="name its segments in task.segments, or leave it out")
        return told, (*told, sha256(voxels.tobytes()))

    def strangers(self) -> None:
        """Masks of series that are not there, or were left out."""
        there, used = {one.series_uid for one in self.judged}, {str(unit["series_uid"]) for unit in self.units}
        for uid, masks in self.masks.items():
            for mask in masks:
                if uid not in used:
                    self.lost_masks.setdefault(mask.where, "a mask of a series that was left out" if uid in there else "a mask of an unknown series")

    def flow(self) -> dict[str, int]:
        kept = {answer.path for unit in self.units for answer in unit["answers"].values()}
        lost = Counter(f"masks left out: {why}" for why in self.lost_masks.values())
        return {**dict(sorted(self.lost.items())), **dict(sorted(lost.items())), "masks used": len(kept),
                "instances in units": sum(len(unit["files"]) for unit in self.units), "series in units": len(self.units)}  # fmt: skip


def _divided(material: Material, work: _Work, flow: dict[str, int]) -> Cohort:
    import polars as pl

    from bedside.cohort.splits import assign
    from bedside.lake.store import Lake

    events = Lake(material.root / "lake").events()
    units = pl.DataFrame([{**{name: unit[name] for name in _SHOWN}, "unit_id": unit["series_uid"], "parent_unit": unit["study_uid"]} for unit in work.units],
                         schema_overrides={**dict.fromkeys(("modality", "manufacturer", "model", "sex"), pl.String), "time": pl.Datetime("us"), "age_years": pl.Int64})  # fmt: skip
    units = assign(subgroups(events, units.rename({"time": "prediction_time"})), material.task.split)
    if absent := [name for name in ("train", "test") if name not in units["split"].to_list()]:
        raise Unusable(f"no series is in the {' or the '.join(absent)} split: {units.height} series are too few for these fractions, or this seed",
                       where="task.split", do="add subjects, or choose other fractions")  # fmt: skip
    copies = near.refuse([unit["print"] for unit in work.units], units["split"].to_list())
    rows = units.select("unit_id", "parent_unit", "subject_id", "prediction_time", "modality", "sex", "age_band", "scanner", "split")
    answers = pl.DataFrame([{"unit_id": unit["series_uid"], "target": name, "answer": canonical.dumps(answer).decode()}
                            for unit in work.units for name, answer in sorted(unit["answers"].items())])  # fmt: skip
    decisions = rows.join(answers, on="unit_id", how="left", maintain_order="left_right")
    features = pl.DataFrame([{"unit_id": unit["series_uid"], **{name: unit[name] for name in (
        "files", "digest", "verdict", "reason", "slices", "rows", "columns", "spacing_mm")}} for unit in work.units])  # fmt: skip
    leakage = {"subjects in two splits": _torn(units), "series compared for copies": units.height, "pairs of nearly one image, in one split": copies}
    return Cohort(decisions, features, flow, _stages(flow, units), leakage, _counts(work))


def _torn(units: pl.DataFrame) -> int:
    """How many subjects stand in two splits: none, or `Refused`."""
    import polars as pl

    torn = units.group_by("subject_id").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1).height
    if torn:
        raise Refused(f"{torn} subjects stand in two splits", where="decisions", do="this is a fault of bedside: report it")
    return torn


def _stages(flow: dict[str, int], units: pl.DataFrame) -> list[tuple[str, int]]:
    return [("instances", flow["instances in the lake"]), ("series with a mask", units.height), ("subjects", units["subject_id"].n_unique())]


def _counts(work: _Work) -> dict[str, object]:
    """What the ledger keeps: verdicts and reasons of all series, rejects by reason."""
    verdicts = Counter(f"{one.verdict.decision}: {one.verdict.reason}" for one in work.judged)
    return {"verdicts": dict(sorted(verdicts.items())), "left_out": dict(sorted(Counter(one.left_out for one in work.judged if one.left_out).items())),
            "masks_left_out": dict(sorted(Counter(work.lost_masks.values()).items())),
            "duplicates": int(np.sum([one.verdict.duplicates for one in work.judged]))}  # fmt: skip


def _reasons(judged: list[Judged]) -> str:
    told = Counter(one.left_out or "" for one in judged)
    return "; ".join(f"{count} series: {why}" for why, count in told.most_common(3)) or "there is no series of these modalities"
