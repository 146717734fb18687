"""Segmentation: masks onto volumes, the sealed model against torch, copies across splits, and the whole spine on made phantoms."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from pydicom import dcmread
from tests.pillars.imaging.made_series import encoded, evenly, files, slices

from bedside.bundle.runners import onnx_image
from bedside.bundle.runners.onnx_image import MODEL, NAME, PREPROCESS, VERSION, OnnxImage, Preprocess, prepare, restore, slide
from bedside.bundle.sealed import Sealed, seal_files
from bedside.core import canonical
from bedside.core.errors import Malformed, Misconfigured, Refused, Unusable
from bedside.core.ids import sha256
from bedside.core.target import Target
from bedside.core.task_image import ImageTask
from bedside.demo import images as demo
from bedside.pillars.imaging import near
from bedside.pillars.imaging.segment import truth
from bedside.pillars.imaging.segment.fit import Case, learn
from bedside.pillars.imaging.segment.network import exported, network
from bedside.pillars.imaging.segment.options import SegmentOptions, options
from bedside.pillars.imaging.series import nifti
from bedside.pillars.imaging.series.read import read
from bedside.study.showcase import with_made_keyring
from bedside.study.study import Study

TASK = ImageTask("bodies", "segment", [Target("ball", "region"), Target("rod", "region")], modalities=["MR"])
WANTED = {"ball": ["ball"], "rod": ["rod"]}


def drawn(shape: tuple[int, ...]) -> Any:
    made = np.zeros(shape, np.uint8)
    made[1:4, 2:5, 3:8], made[2:, 6:8, 1:9] = 1, 2
    return made


# --- masks ------------------------------------------------------------------------------------------


def test_a_mask_lies_on_its_series_voxel_for_voxel_wherever_the_frames_stand_in_it() -> None:
    told = slices(evenly(5))
    wanted = drawn((5, 9, 11))
    mask = demo.segmentation(wanted, told, ("ball", "rod"))
    volume = read(files(told[::-1]))[0].volumes[0]
    found = truth.read(encoded(mask), where="mask")
    assert found.series_uid == volume.series_uid
    assert np.array_equal(truth.labels(found, volume, WANTED), wanted)
    assert np.array_equal(truth.labels(found, volume, {"rod": ["rod"]}), (wanted == 2).astype(np.uint8))


def test_the_made_study_is_the_same_bytes_for_the_same_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "PATIENTS", 1)
    for name in ("one", "other"):
        demo.write(tmp_path / name, seed=2)
    one, other = ({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")} for name in ("one", "other"))
    assert one == other
    assert "mask.dcm" in one


def test_a_segment_is_found_by_its_code_too() -> None:
    told = slices(evenly(5))
    mask = truth.read(encoded(demo.segmentation(drawn((5, 9, 11)), told, ("ball", "rod"))), where="mask")
    assert mask.numbers(["SCT:91723000"]) == [1, 2]
    assert mask.numbers(["sphere"]) == []


@pytest.mark.parametrize("kind", ["LABELMAP", "FRACTIONAL"])
def test_label_maps_and_fractions_say_the_same_as_binary_masks(kind: str) -> None:
    import highdicom

    told, wanted = slices(evenly(5)), drawn((5, 9, 11))
    binary = demo.segmentation(wanted, told, ("ball", "rod"))
    described = [highdicom.seg.SegmentDescription.from_dataset(one) for one in binary.SegmentSequence]
    pixels = wanted if kind == "LABELMAP" else np.stack([(wanted == label) * 0.8 for label in (1, 2)], axis=-1)
    other = highdicom.seg.Segmentation(told, pixels, kind, described, "1.2.3", 2, "1.2.3.4", 1, "m", "m", "1", "1")
    volume = read(files(told))[0].volumes[0]
    assert np.array_equal(truth.labels(truth.read(encoded(other), where="mask"), volume, WANTED), wanted)


def test_a_mask_follows_its_series_onto_the_regular_grid() -> None:
    told = slices(evenly(6, step=(0.0, 2.0, 3.0)), size=(20, 12))
    wanted = np.zeros((6, 20, 12), np.uint8)
    wanted[:, 8:12, 4:8] = 1
    volume = read(files(told))[0].volumes[0]
    found = truth.labels(truth.read(encoded(demo.segmentation(wanted, told, ("ball",))), where="mask"), volume, {"ball": ["ball"]})
    assert found.shape == volume.voxels.shape
    assert found.sum() == pytest.approx(wanted.sum(), rel=0.1)
    z = np.argwhere(found).mean(axis=0) @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    here = np.array([told[k].ImagePositionPatient for k in range(6)], float).mean(axis=0) + np.array([5.5 * 1.5, 9.5 * 2.0, 0])
    assert np.allclose(z, here, atol=0.5)


@pytest.mark.parametrize(("break_it", "reason"), [
    (lambda mask: setattr(mask.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0], "PixelSpacing", [1, 1]), "another geometry"),
    (lambda mask: setattr(mask.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0], "ImagePositionPatient", [0, 0, 999]), "another geometry"),
    (lambda mask: setattr(mask, "PixelData", mask.PixelData[:20]), "shorter"),
    (lambda mask: (setattr(mask, "Rows", 0), setattr(mask, "NumberOfFrames", 3_000_000_000)), "shorter"),
])  # fmt: skip
def test_a_mask_that_does_not_fit_its_series_is_refused(break_it: Any, reason: str) -> None:
    told = slices(evenly(5))
    mask = demo.segmentation(drawn((5, 9, 11)), told, ("ball", "rod"))
    break_it(mask)
    with pytest.raises(Malformed, match=reason):
        truth.labels(truth.read(encoded(mask), where="mask"), read(files(told))[0].volumes[0], WANTED)


def test_an_image_is_no_mask() -> None:
    with pytest.raises(Malformed, match="not a DICOM segmentation"):
        truth.read(encoded(slices(evenly(1))[0]), where="mask")


# --- copies -----------------------------------------------------------------------------------------


def test_nearly_one_image_in_two_splits_is_refused_and_counted_within_one() -> None:
    chance = np.random.default_rng(1)
    one, other = (demo.phantom(np.random.Generator(np.random.PCG64([1, number])))[0] for number in (1, 2))
    copy = np.clip(one * 1.2 + 30 + chance.normal(0, 5, one.shape), 0, None)
    prints = [near.fingerprint(image) for image in (one, copy, other)]
    assert near.refuse(prints, ["train", "train", "test"]) == 1
    with pytest.raises(Refused, match="1 pairs of images are copies"):
        near.refuse(prints, ["train", "test", "test"])


# --- the model --------------------------------------------------------------------------------------


def recipe(options: SegmentOptions) -> Preprocess:
    return Preprocess("bedside.preprocess/1", ["ball", "rod"], (1.0, 1.0, 1.0), options.window)


def sealed(folder: Path, net: Any, said: SegmentOptions) -> OnnxImage:
    files = {MODEL: exported(net, said), PREPROCESS: canonical.dumps(recipe(said))}
    seal_files(folder, name="x", runner=NAME, runner_version=VERSION, task=TASK, thresholds={}, training={}, files=files, card={})
    return OnnxImage(Sealed.open(folder))


@pytest.mark.parametrize("shape", [(10, 13, 9), (16, 16, 16), (21, 18, 25)])
def test_the_sealed_model_says_what_torch_says_window_by_window(tmp_path: Path, shape: tuple[int, ...]) -> None:
    import torch

    said = options({"window": [16, 16, 16], "channels": [4, 8]})
    net = network(said, 3, seed=1)
    net.eval()
    voxels, affine = np.random.default_rng(2).normal(0, 1, shape), np.diag([1.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]]

    def answer(window: Any) -> Any:
        with torch.no_grad():
            return net(torch.from_numpy(np.ascontiguousarray(window))).numpy()

    image, turned = prepare(voxels, affine, recipe(said))
    expected = restore(slide(image, answer, recipe(said)), turned)
    found = sealed(tmp_path / "b", net, said).probabilities(voxels, affine)
    assert found.shape == (3, *shape)
    assert np.abs(found - expected).max() < 1e-4
    assert np.allclose(found.sum(axis=0), 1, atol=1e-5)


def test_a_volume_may_come_in_any_axis_order_and_direction(tmp_path: Path) -> None:
    said = options({"window": [16, 16, 16], "channels": [4, 8]})
    model = sealed(tmp_path / "b", network(said, 3, seed=1), said)
    voxels, affine = np.random.default_rng(2).normal(0, 1, (9, 12, 14)), np.diag([1.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]]
    straight = model.probabilities(voxels, affine)
    for order in permutations(range(3)):
        turned = affine[:, [*order, 3]]
        flip = np.diag([1.0, -1.0, 1.0, 1.0])
        flip[1, 3] = voxels.shape[order[1]] - 1
        found = model.probabilities(np.flip(voxels.transpose(order), 1), turned @ flip)
        assert np.allclose(np.flip(found, 2), straight.transpose(0, *(axis + 1 for axis in order)), atol=1e-5)


def test_a_model_at_another_spacing_answers_on_the_grid_that_came_in(tmp_path: Path) -> None:
    said = options({"window": [16, 16, 16], "channels": [4, 8]})
    found = sealed(tmp_path / "b", network(said, 3, seed=1), said).labels(np.random.default_rng(1).normal(0, 1, (6, 20, 20)), np.diag([2.5, 0.8, 0.8, 1]))
    assert (found.shape, found.dtype) == ((6, 20, 20), np.uint8)


def phantoms(count: int) -> list[Case]:
    made = []
    for number in range(count):
        voxels, labels = demo.phantom(np.random.Generator(np.random.PCG64([5, number])))
        image = ((voxels - voxels.mean()) / voxels.std()).astype(np.float32)
        made.append(Case(str(number), image, labels))
    return made


@pytest.mark.parametrize("wanted", [{"network": "vit", "features": 32, "window": [16, 28, 28]},
                                    {"network": "swinunetr", "features": 12, "window": [32, 32, 64]}])  # fmt: skip
def test_a_transformer_trains_by_its_name_and_leaves_as_onnx(tmp_path: Path, wanted: dict[str, object]) -> None:
    import torch

    if wanted["network"] == "swinunetr":
        pytest.importorskip("einops", reason="MONAI's SwinUNETR needs einops")
    said = options({**wanted, "steps": 1, "watch": 1, "batch": 1, "warm_up": 0})
    learned = learn(phantoms(1), [], recipe(said), said, seed=1)
    assert np.isfinite(learned.watched[-1].loss)
    window = np.random.default_rng(1).normal(0, 1, (2, 1, *said.window)).astype(np.float32)
    with torch.no_grad():
        expected = learned.net(torch.from_numpy(window)).numpy()
    assert np.abs(sealed(tmp_path / "b", learned.net, said).window(window) - expected).max() < 1e-4


def test_the_same_seed_gives_the_same_weights() -> None:
    said = options({"window": [16, 28, 28], "channels": [4, 8], "steps": 3, "watch": 3})
    one, other = (learn(phantoms(2), [], recipe(said), said, seed=7) for _ in range(2))
    assert exported(one.net, said) == exported(other.net, said)


NAN, INF = float("nan"), float("inf")
NUMBERS = ("learning_rate", "weight_decay", "turn", "scale", "shift", "brighten", "noise", "overlap", "low", "high")


@pytest.mark.parametrize("wrong", [
    {"window": [30, 48, 32]}, {"network": "swinunetr", "window": [48, 48, 48]}, {"network": "swinunetr", "window": [32, 32, 32]}, {"steps": 0},
    {"channels": [8]}, {"network": "resnet"}, {"overlap": 1.0}, {"spacing_mm": [0, 1, 1]},
    *({name: value} for name in NUMBERS for value in (NAN, INF, -INF, 1e30)), *({"spacing_mm": [2, value, 2]} for value in (NAN, INF, 1e-9, -1)),
    *({name: 10**7} for name in ("steps", "watch", "batch", "warm_up", "threads")), {"overlap": 0.9999999}, {"channels": []}, {"channels": [8, 10**6]},
    {"channels": [0, 8]}, {"channels": [8] * 12, "window": [4096] * 3}, {"window": [16000, 28000, 28000]}, {"network": "vit", "features": 10**6},
    {"network": "vit", "features": 0}, {"network": "vit", "window": [256, 256, 256]}, {"network": "swinunetr", "features": 13, "window": [64, 64, 64]},
    {"channels": [8, 16], "window": [2, 2, 2]}, {"batch": 256, "window": [512, 512, 512]}, {"low": 5.0, "high": 5.0},
])  # fmt: skip
def test_a_model_that_cannot_be_is_told_before_anything_runs(wrong: dict[str, object]) -> None:
    with pytest.raises(Misconfigured):
        options(wrong)


def test_training_that_comes_apart_is_told() -> None:
    said = options({"window": [16, 28, 28], "channels": [4, 8], "steps": 3, "watch": 3})
    torn = [case._replace(image=np.full_like(case.image, NAN)) for case in phantoms(2)]
    with pytest.raises(Unusable, match="training came apart at step 1"):
        learn(torn, [], recipe(said), said, seed=7)


@pytest.mark.parametrize("wrong", [{"spacing_mm": (INF, 1.0, 1.0)}, {"spacing_mm": (NAN, 1.0, 1.0)}, {"low": NAN}, {"high": INF}, {"overlap": NAN},
                                   {"window": (0, 8, 8)}])  # fmt: skip
def test_a_bundle_whose_preprocessing_cannot_be_is_not_opened(wrong: dict[str, Any]) -> None:
    told = msgspec.structs.replace(recipe(options({})), **wrong)
    with pytest.raises(Misconfigured, match="of the preprocessing cannot be"):
        onnx_image.checked(told, "model")


# --- the whole spine --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Twelve phantoms from raw files to the dossier, with a few steps of training; three of them bad, and four files besides."""
    root = tmp_path_factory.mktemp("images") / "study"
    before, demo.PATIENTS = demo.PATIENTS, 12
    try:
        demo.write(root)
    finally:
        demo.PATIENTS = before
    stray = demo.segmentation(drawn((5, 9, 11)), slices(evenly(5), who=99), ("ball", "rod"))
    stray.PatientID = demo.patient(0).mrn
    (root / "raw" / "mr" / "stray.dcm").write_bytes(encoded(stray))
    kept = next((root / "raw" / "mr").glob(f"{demo.patient(6).mrn}/mask.dcm"))
    (root / "raw" / "mr" / "sent twice.dcm").write_bytes(kept.read_bytes())
    other = dcmread(kept)
    other.PatientID, other.SOPInstanceUID = demo.patient(0).mrn, f"{other.SOPInstanceUID}.9"
    other.file_meta.MediaStorageSOPInstanceUID = other.SOPInstanceUID
    (root / "raw" / "mr" / "anothers.dcm").write_bytes(encoded(other))
    (root / "raw" / "mr" / "letter.dcm").write_bytes(b"Dear colleague")
    text = (root / "study.toml").read_text().replace("steps = 120\nwatch = 40", "steps = 12\nwatch = 6")
    (root / "study.toml").write_text(text)
    made = with_made_keyring(Study(root), "segment")
    made.run(quiet=True)
    return made


def test_every_instance_of_the_lake_is_in_a_unit_or_told_why_not(study: Study) -> None:
    flow = json.loads((study.root / "cohort" / "flow.json").read_text())
    masks = sum(count for what, count in flow.items() if what.startswith("masks "))
    left = sum(count for what, count in flow.items() if what.startswith("instances of series left out"))
    assert flow["instances in the lake"] == flow["instances in units"] + left + masks
    assert flow["series in units"] == 9
    told = json.loads((study.root / "cohort" / "series.json").read_text())
    assert sorted(one["left_out"] for one in told["series"] if one.get("left_out")) == [
        "no mask that fits", "refuse: 1 slices are missing between others", "refuse: 2 orientations in one series"]  # fmt: skip
    assert sorted(told["masks left out"].values()) == [
        "a copy of another mask", "a mask in another geometry than its series", "a mask of a series that was left out",
        "a mask of a series that was left out", "a mask of an unknown series", "a mask of another patient than its series"]  # fmt: skip


def test_a_file_that_is_no_dicom_is_quarantined_and_the_run_goes_on(study: Study) -> None:
    entries = {entry.receipt.step: entry.receipt for entry in study.ledger()}
    assert entries["deidentify"].counts["records"]["quarantined"] == {"neither the DICM mark nor a group 2 or 8 element at the start": 1}
    assert entries["cohort"].counts["verdicts"] == {"accept: even gaps": 10, "refuse: 1 slices are missing between others": 1,
                                                    "refuse: 2 orientations in one series": 1}  # fmt: skip


def test_the_mask_still_names_its_images_after_deidentification(study: Study) -> None:
    from bedside.formats.dicom import parse

    images = pl.read_parquet(study.root / "lake" / "images.parquet")
    known = set(images["instance_uid"])
    row = pl.read_parquet(study.root / "cohort" / "decisions.parquet").drop_nulls("answer").row(0, named=True)
    data = (study.root / json.loads(row["answer"])["path"]).read_bytes()
    head = parse(data, where="mask")
    named = {str(one.ReferencedSOPInstanceUID) for series in head.ReferencedSeriesSequence for one in series.ReferencedInstanceSequence}
    frames = {str(one.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID) for one in head.PerFrameFunctionalGroupsSequence}
    assert named
    assert named <= known
    assert frames <= named
    assert str(head.PatientName).startswith("P")


def test_test_masks_are_sealed_and_no_name_is_in_what_is_written(study: Study) -> None:
    rows = pl.read_parquet(study.root / "cohort" / "decisions.parquet")
    assert rows.filter(split="test")["answer"].null_count() == rows.filter(split="test").height > 0
    names = [name for number in range(12) for name in (demo.patient(number).family, demo.patient(number).mrn)]
    for path in [*study.root.glob("cohort/*"), *study.root.glob("ledger/*"), *study.root.glob("predictions/*"), *study.root.glob("bundles/model/*")]:
        if path.is_file():
            data = path.read_bytes()
            assert not [name for name in names if name.encode() in data]


def test_each_prediction_names_the_label_map_that_it_was_made_of(study: Study) -> None:
    said = pl.read_parquet(study.root / "predictions" / "test.parquet")
    assert set(said["output"]) == {"model", "atlas"}
    for unit, output, digest in said.select("unit_id", "output", "artifact_digest").iter_rows():
        data = (study.root / "predictions" / "artifacts" / f"{unit}.{output}.nii.gz").read_bytes()
        assert sha256(data) == digest
        assert nifti.read(data, where="map").voxels.shape == (28, 28, 14)


def test_measures_stand_beside_the_mean_shape_with_subgroups(study: Study) -> None:
    told = pl.read_parquet(study.root / "predictions" / "test-measures.parquet")
    assert {"dice", "hd95_mm"} <= set(told["measure"])
    assert set(told["output"]) == {"model", "atlas"}
    assert set(told["scanner"]) <= {"Bedside (made) Phantom 1", "Bedside (made) Phantom 2"}
    assert told.filter(measure="dice")["value"].is_between(0, 1).all()
    assert study.verify().ok


def test_images_changed_after_the_cohort_are_not_trained_on(study: Study) -> None:
    from bedside.pillars.imaging.segment.cases import volume_of

    unit = pl.read_parquet(study.root / "cohort" / "features.parquet").row(0, named=True)
    with pytest.raises(Refused, match="not what the cohort saw"):
        volume_of(study.root, unit["files"][1:], unit["digest"])
