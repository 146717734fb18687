"""Chest radiographs with many findings, from raw DICOM and a label table to predictions; and what goes wrong with images and labels."""

from __future__ import annotations

import json
import tomllib
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from pydicom import dcmread
from tests.pillars.imaging.made_planes import NIH, chest, chests, of_test, radiograph, study

from bedside import Study
from bedside.bundle.runners.onnx_planes import OnnxPlanes
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.core.pillar import Material
from bedside.core.task import AnyTask
from bedside.pillars.imaging.planes import nets
from bedside.pillars.imaging.planes.learn import Lesson, fit, onnx, steady
from bedside.pillars.imaging.planes.options import options
from bedside.pillars.imaging.planes.part import PART
from bedside.pillars.imaging.planes.wanted import yes_no_loss

TASK = """
[task]
kind = "image"
name = "chest"
question = "classify"
unit = "image"
modalities = ["CR"]
views = "frontal"
listed = "NIHCXR//LISTED"
asks = [{ name = "cardiomegaly", kind = "yes-no" }, { name = "effusion", kind = "yes-no" }]
codes = { cardiomegaly = "NIHCXR//Cardiomegaly", effusion = "NIHCXR//Effusion" }
[task.split]
test_fraction = 0.4
[model]
network = "resnet"
width = 8
size = 32
epochs = 16
"""
COHORT = ["deidentify", "read", "cohort"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Study:
    made = study(tmp_path_factory.mktemp("chest") / "study", TASK, chests(100), policy="as-received")  # a keyring would draw another split each time
    made.run(quiet=True)
    return made


@pytest.fixture(scope="module")
def renamed(tmp_path_factory) -> Study:
    """The same, de-identified."""
    made = study(tmp_path_factory.mktemp("renamed") / "study", TASK, chests(100))
    made.run(COHORT, quiet=True)
    return made


def flow(made: Study) -> dict[str, int]:
    return dict(json.loads((made.root / "cohort" / "flow.json").read_text()))


def decisions(made: Study) -> pl.DataFrame:
    return pl.read_parquet(made.root / "cohort" / "decisions.parquet")


def auroc(rows: pl.DataFrame) -> float:
    true, false = (rows.filter(pl.col("label") == said)["value"].to_numpy() for said in (True, False))
    return float(np.mean((true[:, None] > false) + 0.5 * (true[:, None] == false)))


def test_findings_are_learned_where_brightness_and_size_tell_little(trained):
    test = of_test(trained)
    assert set(test["output"]) == {"model", "intensity", "base-rate"}
    scores = {output: auroc(test.filter((pl.col("output") == output) & (pl.col("target") == "cardiomegaly"))) for output in ("model", "intensity", "base-rate")}
    assert scores["base-rate"] == 0.5
    assert scores["model"] > 0.75
    assert scores["model"] > scores["intensity"]


def test_only_tune_units_speak_for_development_and_no_subject_is_in_two_splits(trained):
    said = trained.predictions("development")
    assert set(said["split"]) == {"tune"}
    assert decisions(trained).group_by("subject_id").agg(pl.col("split").n_unique())["split"].max() == 1


def test_the_labels_met_their_images_after_both_were_given_new_names(renamed):
    told = flow(renamed)
    assert told["images asked about"] == 100
    assert told["left out: a lateral view"] == told["labelled images that are not among those taken"] == 33
    raw = (renamed.root / "raw/labels/findings.csv").read_text().splitlines()[1].split(",")[0]
    written = b"".join(path.read_bytes() for path in (renamed.root / "cohort").iterdir() if path.suffix == ".json")
    assert raw.encode() not in written
    assert raw not in str(decisions(renamed).to_dicts())


def test_an_image_has_the_finding_that_its_row_lists(trained):
    rows = (line.split(",") for line in (trained.root / "raw/labels/findings.csv").read_text().splitlines()[1:])
    hearts = [("Cardiomegaly" in found) for _, found, _, _, _, _, view in rows if view == "PA"]
    shown = decisions(trained).filter((pl.col("target") == "cardiomegaly") & (pl.col("split") != "test"))
    hidden = decisions(trained).filter(pl.col("split") == "test")
    assert hidden["label"].null_count() == hidden.height
    known = shown.join(pl.read_parquet(trained.root / "cohort/features.parquet"), on="unit_id")
    assert known.height == shown.height
    test = of_test(trained).filter((pl.col("target") == "cardiomegaly") & (pl.col("output") == "model"))
    assert int(shown["label"].sum()) + int(test["label"].sum()) == sum(hearts)


def test_the_same_images_give_the_same_bundle_to_the_bit(trained, tmp_path):
    frames = [pl.read_parquet(trained.root / "cohort" / f"{name}.parquet") for name in ("decisions", "features")]
    known = frames[0].filter(pl.col("split") != "test")
    declared = msgspec.convert(tomllib.loads(TASK), dict[str, Any])
    material = Material(msgspec.convert(declared["task"], AnyTask), {**declared["model"], "epochs": 2}, trained.root, "as-received", 1, True, "site-1")
    first, second = (PART.develop(material, known, frames[1], out=tmp_path / name, training={}) for name in ("first", "second"))
    assert first.digest == second.digest
    assert first.predictions.equals(second.predictions)


@pytest.mark.parametrize("network", ["densenet", "vit"])  # resnet learns chests above
def test_each_network_learns_which_side_is_bright(network):
    draw = np.random.default_rng(1)
    side = draw.random(64) < 0.5
    images = draw.integers(0, 20000, (64, 1, 32, 32)).astype(np.uint16)
    images[side, :, :, :16] += 20000
    images[~side, :, :, 16:] += 20000
    lesson = Lesson(images, side[:, None].astype(np.float32), np.arange(48), np.arange(48, 64))
    said = options({"network": network, "size": 32, "width": 8, "epochs": 36, "patience": 36, "learning_rate": 4e-3})
    with steady(1, 1) as torch:
        told = fit(torch, nets.network(said, 1), lesson, yes_no_loss(torch), said, seed=1)
    assert told["loss_on_tune"] < 0.2


def test_training_leaves_torch_as_it_was():
    import torch

    before = torch.get_num_threads(), torch.get_rng_state()
    with steady(5, 1):
        assert torch.get_num_threads() == 1
        torch.rand(3)
    assert torch.get_num_threads() == before[0]
    assert (torch.get_rng_state() == before[1]).all()


def test_the_bundle_answers_without_the_pillar_and_opens_only_whole(trained, tmp_path):
    model = OnnxPlanes.open(Sealed.open(trained.root / "bundles" / "model"))
    shown = np.full((50, 40), 0.5, np.float32)
    said = model.findings(model.logits(model.prepare(shown).pixels[None]))
    assert set(said) == {"cardiomegaly", "effusion"}
    assert all(0 < float(risk[0]) < 1 for risk in said.values())


@pytest.mark.parametrize("network", ["densenet", "resnet", "vit"])
def test_onnx_says_what_torch_says(network):
    said = options({"network": network, "size": 32, "width": 8})
    with steady(1, 1) as torch:
        net = nets.network(said, 3)
        net.train()
        net(torch.randn(8, 1, 32, 32))  # so that batch norms have seen something
        net.eval()
        images = torch.randn(5, 1, 32, 32)
        theirs = net(images).detach().numpy()
        told = onnx(torch, net, (1, 32, 32))
    assert np.abs(_ran(told, images.numpy()) - theirs).max() < 1e-4


@pytest.mark.parametrize("made", [lambda said: nets.ordinal(said, 4), lambda said: nets.heat(said, 2)])
def test_onnx_says_what_torch_says_of_grades_and_lesions(made):
    said = options({"network": "resnet", "size": 32, "width": 8})
    with steady(1, 1) as torch:
        net = made(said).eval()
        images = torch.randn(3, 1, 32, 32)
        theirs = net(images).detach().numpy()
        told = onnx(torch, net, (1, 32, 32))
    assert np.abs(_ran(told, images.numpy()) - theirs).max() < 1e-4


def _ran(told: bytes, images: Any) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(told, providers=["CPUExecutionProvider"]).run(None, {"image": images})[0]


# --- what goes wrong --------------------------------------------------------------------------------


def broken() -> dict[str, bytes | str]:
    """Twelve patients, and every trouble that images and labels can have."""
    files, draw = chests(12), np.random.default_rng(1)
    one = radiograph(chest(draw, heart=True, effusion=False), "20", "00000020_000.png", view="PA", more={"PhotometricInterpretation": "MONOCHROME1"})
    cut = radiograph(chest(draw, heart=True, effusion=False), "21", "00000021_000.png", view="PA")
    lost = radiograph(chest(draw, heart=True, effusion=False), "22", "00000022_000.png", view="PA", more={"BitsAllocated": 32})
    bare = radiograph(chest(draw, heart=True, effusion=False), "23", "00000023_000.png", view="PA")
    silent = radiograph(chest(draw, heart=True, effusion=False), "24", "00000024_000.png")
    files |= {"images/inverted.dcm": one, "images/cut.dcm": cut[:-900], "images/lost.dcm": lost, "images/unlabelled.dcm": bare, "images/noview.dcm": silent}
    rows = "".join(f"{number:08d}_000.png,Cardiomegaly,0,{number},50,F,PA\n" for number in (20, 21, 22, 24, 99))
    other = "00000020_000.png,Effusion,0,1,50,F,PA\n"  # the same number, told of another patient
    return files | {"labels/findings.csv": str(files["labels/findings.csv"]) + rows + other}


@pytest.fixture(scope="module")
def troubled(tmp_path_factory) -> Study:
    made = study(tmp_path_factory.mktemp("broken") / "study", TASK, broken())
    made.run(COHORT, quiet=True)
    return made


def test_images_that_cannot_be_read_are_left_out_and_named_with_the_reason(troubled):
    left = pl.read_parquet(troubled.root / "cohort" / "left-out.parquet")
    reasons = left["reason"].value_counts().to_dicts()
    assert {"reason": "a lateral view", "count": 4} in reasons
    assert {"reason": "a view that is not frontal, or not said", "count": 1} in reasons
    assert sum(one["count"] for one in reasons if one["reason"].startswith("pixels that cannot be decoded")) == 1
    assert all((troubled.root / path).is_file() for path in left["path"])
    rejected = pl.read_parquet(troubled.root / "lake" / "quarantine" / "rejects.parquet")
    assert rejected["reason"].str.contains("cut off").sum() == 1


def test_every_instance_is_accounted_for(troubled):
    told = flow(troubled)
    left = sum(count for what, count in told.items() if what.startswith("left out: "))
    assert told["instances in the lake"] == left + told["images taken"]
    assert told["images there are"] == told["images asked about"] + told["images without any label, not asked"]
    assert told["images without any label, not asked"] == 1


def test_a_label_that_names_no_image_of_its_patient_is_counted_and_does_not_reach_anothers(troubled):
    # 99 has no image; 21 is cut off, 22 cannot be decoded, 24 says no view, four are lateral; 20 is named once by another patient
    told = flow(troubled)
    assert told["labelled images that are not among those taken"] >= 4 + 3 + 1
    inverted = decisions(troubled).filter(pl.col("target") == "effusion")
    assert inverted.height == told["images asked about"]


def chexpert(tmp_path: Path, task: str) -> Study:
    """Six patients; of three the effusion is 1, -1 and blank."""
    names = ["No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation", "Pneumonia", "Atelectasis",
             "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices"]  # fmt: skip
    draw, lines, files = np.random.default_rng(2), [f"Path,Sex,Age,Frontal/Lateral,AP/PA,{','.join(names)},Patient,Image,split\n"], dict[str, bytes | str]()
    for patient, effusion in enumerate(["1.0", "-1.0", "", "0.0", "-1.0", "1.0"], 1):
        number = f"p{patient:05d}s01v1"
        files[f"images/{patient}.dcm"] = radiograph(chest(draw, heart=True, effusion=effusion == "1.0"), str(patient), number, view="AP")
        cells = ",".join({"Cardiomegaly": "1.0", "Pleural Effusion": effusion}.get(name, "") for name in names)
        lines.append(f"CheXpert-v1.0/train/patient{patient:05d}/study1/view1_frontal.jpg,Female,60,Frontal,AP,{cells},{patient},{number},{'train' if patient < 5 else 'test'}\n")
    text = TASK.replace("NIHCXR//Cardiomegaly", "CHEXPERT//cardiomegaly").replace("NIHCXR//Effusion", "CHEXPERT//pleural-effusion")
    return study(tmp_path / "study", text.replace('listed = "NIHCXR//LISTED"\n', task), files | {"labels/train.csv": "".join(lines)}, mapping="chexpert")


def test_an_uncertain_finding_wants_a_policy(tmp_path):
    with pytest.raises(Misconfigured, match='uncertain = "ones", "zeros" or "ignore"'):
        chexpert(tmp_path, "").run(COHORT, quiet=True)


@pytest.mark.parametrize(("task", "asked", "words"), [
    ('uncertain = "ones"\n', 5, "uncertain, counted as ones"),
    ('uncertain = "zeros"\n', 5, "uncertain, counted as zeros"),
    ('uncertain = "ignore"\n', 3, "uncertain, left out"),
    ('uncertain = "ones"\nlisted = "CHEXPERT//LISTED"\n', 6, "uncertain, counted as ones"),
])  # fmt: skip
def test_each_policy_asks_about_what_it_says_and_counts_it(tmp_path, task, asked, words):
    made = chexpert(tmp_path, task)
    made.run(COHORT, quiet=True)
    assert decisions(made).filter(pl.col("target") == "effusion").height == asked
    assert flow(made)[f"effusion: {words}"] == 2


def test_the_split_that_the_data_declare_is_kept(tmp_path):
    made = chexpert(tmp_path, 'uncertain = "zeros"\n')
    (made.root / "study.toml").write_text((made.root / "study.toml").read_text().replace("test_fraction = 0.4", 'by = "declared"'))
    Study(made.root).run(COHORT, quiet=True)
    assert dict(decisions(made).group_by("split").agg(pl.col("subject_id").n_unique()).iter_rows()) == {"train": 4, "test": 2}


def test_a_declared_split_that_tears_a_patient_apart_is_refused(tmp_path):
    files = chests(6)
    numbers = [line.split(",") for line in str(files["labels/findings.csv"]).splitlines()[1:]]
    lines = [f"{row[3]},{row[0]},{'test' if row[0].endswith('_001.png') else 'train'}\n" for row in numbers]
    made = study(tmp_path / "study", TASK.replace("test_fraction = 0.4", 'by = "declared"').replace('views = "frontal"', 'views = "any"'),
                 files | {"labels/split.csv": "Patient ID,Image Index,split\n" + "".join(lines)})  # fmt: skip
    with pytest.raises(Refused, match="subjects in two splits"):
        made.run(COHORT, quiet=True)


def test_patients_with_one_and_the_same_image_stay_together(tmp_path):
    draw = np.random.default_rng(4)
    shown = chest(draw, heart=True, effusion=True)
    files: dict[str, bytes | str] = {f"images/{n}.dcm": radiograph(shown, str(n), f"{n:08d}_000.png", view="PA") for n in range(1, 13)}
    files["labels/findings.csv"] = NIH + "".join(f"{n:08d}_000.png,Mass,0,{n},50,F,PA\n" for n in range(1, 13))
    made = study(tmp_path / "study", TASK, files)
    made.run(COHORT, quiet=True)
    assert decisions(made)["split"].n_unique() == 1
    assert json.loads((made.root / "cohort/leakage.json").read_text())["copies of an image, kept in its split"] == 11


def test_a_copy_in_two_declared_splits_is_refused(tmp_path):
    files = chests(6)
    files["images/2a.dcm"] = radiograph(dcmread(BytesIO(bytes(files["images/1a.dcm"]))).pixel_array, "2", "00000002_000.png", view="PA")  # type: ignore[arg-type]
    lines = "".join(f"{n},{n:08d}_000.png,{'test' if n == 1 else 'train'}\n" for n in range(1, 7))
    made = study(tmp_path / "study", TASK.replace("test_fraction = 0.4", 'by = "declared"'), files | {"labels/split.csv": "Patient ID,Image Index,split\n" + lines})
    with pytest.raises(Refused, match="1 copies of an image in another split"):
        made.run(COHORT, quiet=True)


def test_an_image_that_was_sent_twice_counts_once(tmp_path):
    files = chests(4)
    made = study(tmp_path / "study", TASK, files | {"images/again.dcm": files["images/1a.dcm"]})
    made.run(COHORT, quiet=True)
    assert flow(made)["left out: an image that was sent twice"] == 1
    assert flow(made)["images asked about"] == 4


def test_a_study_of_two_views_is_one_decision(tmp_path):
    made = study(tmp_path / "study", TASK.replace('unit = "image"', 'unit = "study"').replace('views = "frontal"', 'views = "any"'), two_views())
    made.run(COHORT, quiet=True)
    features = pl.read_parquet(made.root / "cohort/features.parquet")
    assert features.height == 4
    assert {len(json.loads(text)) for text in features["images"]} == {2}


def two_views() -> dict[str, bytes | str]:
    draw, files = np.random.default_rng(4), dict[str, bytes | str]()
    for patient in range(1, 5):
        for place, view in enumerate(("PA", "LL")):
            files[f"images/{patient}{place}.dcm"] = radiograph(chest(draw, heart=True, effusion=True), str(patient), f"{patient:08d}_00{place}.png",
                                                               view=view, study=f"S{patient}")  # fmt: skip
    rows = "".join(f"{n:08d}_000.png,Cardiomegaly,0,{n},50,F,PA\n" for n in range(1, 5))
    return files | {"labels/findings.csv": NIH + rows}


@pytest.mark.parametrize(("old", "new", "words"), [
    ('kind = "yes-no" }, {', 'kind = "grade" }, {', "question 'classify' has no answer for"),
    ("test_fraction = 0.4", "folds = 5", "without folds"),
    ('effusion = "NIHCXR//Effusion"', 'other = "X"', "task.codes does not say"),
    ("width = 8", "width = 1", "width is not from 4 to 1024"),
    ('network = "resnet"', 'network = "vgg"', "vgg"),
    ("epochs = 16", 'epochs = 16\nthresholds = { alert = "luck" }', "not a threshold rule"),
])  # fmt: skip
def test_what_makes_no_sense_is_said_before_anything_runs(tmp_path, old, new, words):
    with pytest.raises(Misconfigured, match=words):
        study(tmp_path / "study", TASK.replace(old, new), chests(2)).run(COHORT, quiet=True)


@pytest.mark.parametrize("wrong", [
    *({name: value} for name in ("learning_rate", "weight_decay", "radius", "floor") for value in (float("nan"), float("inf"), -1.0, 1e30)),
    *({name: 10**7} for name in ("size", "width", "epochs", "patience", "batch", "threads")),
    {"network": "vit", "size": 1024}, {"batch": 4096, "size": 2048}, {"thresholds": {"alert": "risk=nan"}},
])  # fmt: skip
def test_numbers_that_no_model_can_have_are_refused(wrong):
    with pytest.raises(Misconfigured):
        options(wrong)


def test_training_that_comes_apart_is_told():
    rows = np.arange(4)
    lesson = Lesson(np.zeros((4, 1, 32, 32), np.uint16), np.full((4, 1), np.nan, np.float32), rows, rows)
    said = options({"size": 32, "width": 4, "epochs": 2})
    with steady(1, 1) as torch, pytest.raises(Unusable, match="training came apart"):
        fit(torch, nets.network(said, 1), lesson, lambda said, wanted: (said - wanted).mean(), said, seed=1)
