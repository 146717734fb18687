"""`bedside view`: the volumes of a finished study's test units and what was drawn in them, in a browser on this machine.

In        features (files of a unit), predictions (label maps by digest), measures, of a study that segments volumes
Out       the viewer on loopback until interrupted; nothing is written
Refuses   a label map or an image that is not what the study made
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.core.ids import sha256
from bedside.core.task_image import ImageTask
from bedside.study.study import Study

if TYPE_CHECKING:
    import polars as pl

    from bedside.pillars.imaging.viewer.server import Server
    from bedside.pillars.imaging.viewer.site import Figure, Shown, Told

ARTIFACTS, MEASURES = "predictions/artifacts", "predictions/test-measures.parquet"
_MAIN = "model"
_WORDS = {"dice": "Dice", "jaccard": "Jaccard", "hd95": "HD95", "mean surface distance": "Mean surface distance"}
_DO = "run the study again from the step `test`"


def view(root: Path, *, unit: str | None = None, port: int = 0, announce: Callable[[str, int], None]) -> None:
    """Serve until interrupted. `announce` is told the address and how many units there are."""
    made, many = viewer(root, unit=unit, port=port)
    announce(made.address, many)
    try:
        made.run()
    except KeyboardInterrupt:
        return


def viewer(root: Path, *, unit: str | None = None, port: int = 0) -> tuple[Server, int]:
    """The server, not yet running, and how many units it shows."""
    from bedside.pillars.imaging.viewer.server import Server
    from bedside.pillars.imaging.viewer.site import site

    drawn = Drawn(Study(root))
    told = drawn.told(unit)
    return Server(site(told, drawn.image, drawn.labels), port), len(told.units)


class Drawn:
    """What a study holds to look at."""

    def __init__(self, study: Study) -> None:
        self.study = study
        task = study.file.task
        if not isinstance(task, ImageTask) or task.question != "segment":
            raise Misconfigured("this study does not segment volumes", where="study.toml, [task]", do="look at its report: reports/test.html")
        self.task = task
        said = study.predictions()
        self._digests: dict[tuple[str, str], str] = {
            (unit, output): digest for unit, output, digest in said.select("unit_id", "output", "artifact_digest").iter_rows() if digest
        }
        self._features = {row["unit_id"]: row for row in self._frame("cohort/features.parquet", "cohort").to_dicts()}
        if not self._digests:
            raise Unusable("no label map was made", where="predictions/test.parquet", do=_DO)

    def told(self, wanted: str | None) -> Told:
        """What the page knows; `Misconfigured` when the wanted unit is none of the test."""
        from bedside.pillars.imaging.viewer.site import COLOURS, Told

        names = sorted({unit for unit, _ in self._digests})
        if wanted is not None and wanted not in names:
            raise Misconfigured("no such unit in the test", where="--unit", do="leave it out to choose in the page, or take a unit_id of predictions")
        figures = self._figures()
        units = [self._shown(name, figures.get(name, [])) for name in names]
        targets = [(target.label or target.name, COLOURS[number % len(COLOURS)]) for number, target in enumerate(self.task.targets)]
        return Told(self.study.file.name, self.study.file.made, targets, units, names.index(wanted) if wanted else 0)

    def image(self, unit: str) -> bytes:
        """The volume as .nii.gz; `Refused` when its files are not what the cohort saw."""
        from bedside.pillars.imaging.segment.cases import volume_of
        from bedside.pillars.imaging.series import nifti

        row = self._features[unit]
        return nifti.write(*volume_of(self.study.root, row["files"], row["digest"]).ras())

    def labels(self, unit: str, output: str) -> bytes:
        """A label map as it lies in the study; `Refused` when it is not what the prediction names."""
        path = self.study.root / ARTIFACTS / f"{unit}.{output}.nii.gz"
        data = path.read_bytes() if path.is_file() else b""
        if sha256(data) != self._digests[unit, output]:
            raise Refused("a label map is missing, or is not what the test made", where=f"{ARTIFACTS}/{path.name}", do=_DO)
        return data

    def _shown(self, name: str, figures: list[Figure]) -> Shown:
        from bedside.pillars.imaging.viewer.site import Shown

        outputs = sorted((output for unit, output in self._digests if unit == name), key=lambda output: (output != _MAIN, output))
        row = self._features[name]
        size = " x ".join(str(row[axis]) for axis in ("slices", "rows", "columns"))
        about = [("Voxels", f"{size} (slices, rows, columns)"), ("Spacing", " x ".join(f"{mm:.2f}" for mm in row["spacing_mm"]) + " mm (head, back, left)"),
                 ("Verdict", f"{row['verdict']}: {row['reason']}"), ("Name", name)]  # fmt: skip
        return Shown(name, outputs, about, figures)

    def _figures(self) -> dict[str, list[Figure]]:
        from bedside.pillars.imaging.viewer.site import Figure

        if not (self.study.root / MEASURES).exists():
            return {}
        found: dict[str, list[Figure]] = {}
        labels = {target.name: target.label or target.name for target in self.task.targets}
        for row in self._frame(MEASURES, "test").to_dicts():
            unit = row["unit"] or "1"
            told = Figure(row["output"], labels.get(row["target"], row["target"]), _worded(row["measure"]), _finite(row["value"]), unit)
            found.setdefault(row["unit_id"], []).append(told)
        return found

    def _frame(self, name: str, step: str) -> pl.DataFrame:
        import polars as pl

        return pl.read_parquet(self.study._made(name, step))


def _worded(measure: str) -> str:
    """ "hd95_mm" as "HD95": the unit stands behind the value."""
    said = measure.removesuffix("_mm").removesuffix("_ml").replace("_", " ")
    return _WORDS.get(said, said.capitalize())


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
