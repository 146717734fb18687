"""What of a study the viewer shows: images and label maps that are still what the study made, and the figures of each unit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from urllib.request import urlopen

import numpy as np
import polars as pl
import pytest
from tests.pillars.imaging.exchange_bundle import pixels, study
from tests.pillars.imaging.exchange_made import ORIENTATIONS, affine_of, labels, series

from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.core.ids import sha256
from bedside.core.predictions import conform, conform_measures
from bedside.formats.dicom import dump
from bedside.pillars.imaging.index import digest_of
from bedside.pillars.imaging.series import nifti
from bedside.study.study import Study
from bedside.study.view import Drawn

UNIT = "2.25.1"


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    """A study folder as it lies there after its test, with one unit: written by the functions that write one."""
    root = study(tmp_path_factory.mktemp("view") / "study")
    for name in ("safe", "cohort", "predictions/artifacts"):
        (root / name).mkdir(parents=True)
    paths = []
    for number, one in enumerate(series(ORIENTATIONS["sagittal"], flipped=True, voxels=pixels())):
        paths.append(f"safe/{number}.dcm")
        (root / paths[-1]).write_bytes(dump(one))
    grid = {"verdict": "accept", "reason": "even gaps", "slices": 7, "rows": 10, "columns": 12, "spacing_mm": [2.5, 0.75, 1.25]}
    pl.DataFrame([{"unit_id": UNIT, "files": paths, "digest": digest_of(root, paths), **grid}]).write_parquet(root / "cohort/features.parquet")
    data = nifti.write(labels().transpose(2, 1, 0), np.eye(4))
    (root / f"predictions/artifacts/{UNIT}.model.nii.gz").write_bytes(data)
    said = [{"unit_id": UNIT, "target": name, "output": "model", "value": 1.0, "split": "test", "artifact_digest": sha256(data)} for name in ("liver", "lump")]
    conform(pl.DataFrame(said)).write_parquet(root / "predictions/test.parquet")
    rows = [{"unit_id": UNIT, "target": "lump", "output": "model", "measure": m, "value": v, "unit": u, "split": "test"}
            for m, v, u in (("dice", 0.9, "1"), ("hd95_mm", float("nan"), "mm"))]  # fmt: skip
    conform_measures(pl.DataFrame(rows)).write_parquet(root / "predictions/test-measures.parquet")
    return root


@pytest.fixture
def copy(tested, tmp_path):
    return shutil.copytree(tested, tmp_path / "study")


def test_the_unit_is_told_with_its_labels_and_figures(tested):
    told = Drawn(Study(tested)).told(None)
    assert (told.study, told.made, [label for label, _ in told.targets]) == ("received", True, ["liver", "Lump"])
    [unit] = told.units
    assert [(one.target, one.measure, one.value, one.unit) for one in unit.figures] == [("Lump", "Dice", 0.9, "1"), ("Lump", "HD95", None, "mm")]
    assert dict(unit.about)["Verdict"] == "accept: even gaps"


def test_the_volume_is_given_in_the_place_where_the_patient_lies(tested):
    found = nifti.read(Drawn(Study(tested)).image(UNIT), where="x")
    affine = affine_of(ORIENTATIONS["sagittal"], flipped=True)
    for index in ((2, 3, 4), (5, 0, 11)):
        lps = affine @ [*index, 1]
        column, row, slice_ = np.rint(np.linalg.inv(found.affine) @ (np.diag([-1, -1, 1, 1]) @ lps))[:3].astype(int)
        assert found.voxels[column, row, slice_] == pixels()[index]


def test_an_image_or_a_label_map_that_changed_is_refused(copy):
    label, image = copy / f"predictions/artifacts/{UNIT}.model.nii.gz", copy / "safe/3.dcm"
    drawn = Drawn(Study(copy))
    label.write_bytes(label.read_bytes() + b"x")
    with pytest.raises(Refused, match="not what the test made"):
        drawn.labels(UNIT, "model")
    label.unlink()
    with pytest.raises(Refused, match="missing"):
        drawn.labels(UNIT, "model")
    image.write_bytes(image.read_bytes() + b"x")
    with pytest.raises(Refused, match="not what the cohort saw"):
        drawn.image(UNIT)


def test_a_unit_that_is_none_a_study_without_a_test_and_one_that_segments_nothing_are_told(copy):
    with pytest.raises(Misconfigured, match="no such unit"):
        Drawn(Study(copy)).told("2.25.7")
    (copy / "predictions/test.parquet").unlink()
    with pytest.raises(Unusable, match="has not been run"):
        Drawn(Study(copy))
    toml = (copy / "study.toml").read_text().replace('question = "segment"', 'question = "classify"\nunit = "image"\ncodes = { liver = "A", lump = "B" }').replace('kind = "region"', 'kind = "yes-no"')
    (copy / "study.toml").write_text(toml)
    with pytest.raises(Misconfigured, match="does not segment"):
        Drawn(Study(copy))


def test_the_command_serves_it_until_it_is_interrupted(tested):
    before = {path: path.stat().st_mtime_ns for path in tested.rglob("*")}
    command = [sys.executable, "-m", "bedside", "view", str(tested), "--unit", UNIT, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            address = json.loads(process.stdout.readline())["url"]
            told = json.loads(urlopen(address + "study.json", timeout=20).read())
            data = urlopen(address + "0/model.nii.gz", timeout=20).read()
        finally:
            process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (told["units"][0]["name"], process.returncode, said) == (UNIT, 0, "")
    assert (nifti.read(data, where="x").voxels == labels().transpose(2, 1, 0)).all()
    assert {path: path.stat().st_mtime_ns for path in tested.rglob("*")} == before
