"""Public sets in the form in which they are published, brought into raw/ and taken up by the template that is made for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from tests.pillars.imaging.made_planes import chest, eye

from bedside import Study
from bedside.core.errors import Malformed, Misconfigured
from bedside.pillars.imaging.planes.sets import main
from bedside.pillars.imaging.planes.wrap import instance, picture
from bedside.study.new import new

NIH = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n"
CHEXPERT = ("Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,"
            "Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices\n")  # fmt: skip


def grey(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((chest(np.random.default_rng(seed), heart=True, effusion=False) // 16).astype(np.uint8)).save(path)


def cohort(root: Path) -> pl.DataFrame:
    """Decisions of a template's study once its cohort is made, in the order of names."""
    Study(root).run(["deidentify", "read", "cohort"], quiet=True)
    return pl.read_parquet(root / "cohort" / "decisions.parquet")


def test_nih_chest_xray_as_published(tmp_path, capsys):
    rows = "".join(f"{n:08d}_000.png,{found},0,{n},{50 + n},F,PA,2682,2749,0.143,0.143,\n" for n, found in
                   enumerate(["Cardiomegaly|Effusion", "No Finding", "Hernia", "Pleural_Thickening", "Mass|Nodule", "Edema"], 1))  # fmt: skip
    source = tmp_path / "set"
    for number in range(1, 6):
        grey(source / "images_001" / "images" / f"{number:08d}_000.png", number)
    (source / "images_001" / "images" / "00000006_000.png").write_bytes(b"no picture")
    (source / "Data_Entry_2017.csv").write_text(NIH + rows + "00000007_000.png,Mass,0,7,50,F,PA,1,1,0.1,0.1,\n")
    (source / "BBox_List_2017.csv").write_text("Image Index,Finding Label,Bbox [x,y,w,h],,,\n00000001_000.png,Cardiomegaly,10.5,12,20,18,,,\n")
    (source / "test_list.txt").write_text("00000001_000.png\n00000002_000.png\n")
    (source / "train_val_list.txt").write_text("\n".join(f"{n:08d}_000.png" for n in range(3, 8)))
    root = new(tmp_path / "study", task="chest-xray-nih").root
    assert main(["nih", str(source), str(root / "raw")]) == 0
    assert "5 images\n" in capsys.readouterr().out
    decisions = cohort(root)
    assert decisions["unit_id"].n_unique() == 5
    assert decisions.filter(pl.col("split") == "test")["unit_id"].n_unique() == 2
    shown = decisions.filter(pl.col("split") != "test")
    assert shown.filter("label").select("target").to_series().sort().to_list() == ["hernia", "mass", "nodule", "pleural-thickening"]
    boxes = Study(root).events().filter(pl.col("code") == "NIHCXR//BOX//cardiomegaly")
    assert boxes["text_value"].to_list() == ["10.5,12,20,18"]


def test_chexpert_as_published(tmp_path):
    source = tmp_path / "set"
    for name, patient in (("train", 1), ("train", 2), ("valid", 64541)):
        lines = [CHEXPERT] if not (source / f"{name}.csv").exists() else [(source / f"{name}.csv").read_text()]
        for view, side in ((1, "frontal"), (2, "lateral")):
            path = f"CheXpert-v1.0-small/{name}/patient{patient:05d}/study1/view{view}_{side}.jpg"
            grey(source / path, patient)
            lines.append(f"{path},Female,68,{side.title()},{'AP' if view == 1 else ''},,,1.0,,,,,,-1.0,,,,,\n")
        (source / f"{name}.csv").write_text("".join(lines))
    root = new(tmp_path / "study", task="chexpert").root
    assert main(["chexpert", str(source), str(root / "raw")]) == 0
    decisions = cohort(root)
    assert decisions["unit_id"].n_unique() == 3
    assert decisions.filter(pl.col("split") == "test")["unit_id"].n_unique() == 1
    known = {target: set(own["label"]) for (target,), own in decisions.filter(pl.col("split") != "test").group_by("target")}
    assert known == {"cardiomegaly": {True}, "atelectasis": {False}, "consolidation": {False}, "edema": {False}, "pleural-effusion": {False}}


def test_retina_sets_as_published(tmp_path):
    source = tmp_path / "set"
    source.mkdir()
    for patient in range(1, 9):
        for side in ("left", "right"):
            Image.fromarray(eye(np.random.default_rng(patient), 2)).save(source / f"{patient}_{side}.jpeg")
    (source / "trainLabels.csv").write_text("image,level\n" + "".join(f"{n}_{side},{n % 5}\n" for n in range(1, 9) for side in ("left", "right")))
    root = new(tmp_path / "study", task="retina").root
    assert main(["retina", str(source), str(root / "raw")]) == 0
    decisions = cohort(root)
    assert decisions.height == 2 * 16
    assert decisions.group_by("subject_id").agg(pl.col("split").n_unique())["split"].max() == 1


def test_a_set_that_is_not_there_says_what_is_wanted(tmp_path, capsys):
    assert main(["nih", str(tmp_path), str(tmp_path / "raw")]) == 2
    assert "Data_Entry_2017" in capsys.readouterr().err
    assert main(["other"]) == 2


def test_sixteen_bits_stay_sixteen_and_a_palette_becomes_colour(tmp_path):
    deep = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert (picture(tmp_path / "deep.png") == deep).all()
    Image.fromarray(eye(np.random.default_rng(1), 1)).quantize(16).save(tmp_path / "palette.png")
    assert picture(tmp_path / "palette.png").shape == (48, 48, 3)
    (tmp_path / "none.png").write_bytes(b"x")
    with pytest.raises(Malformed):
        picture(tmp_path / "none.png")


def test_a_name_that_is_too_long_for_an_accession_number_is_said_to_be():
    with pytest.raises(Misconfigured, match="16 characters"):
        instance(np.zeros((4, 4), np.uint8), patient="p", number="0123456789abcdef0", modality="OP")
