"""Public sets of plain image files, brought into raw/ of a study: DICOM instances, and the label tables that their mappings read.

nih        NIH Chest X-ray 14: folder of PNG, Data_Entry_2017.csv, and if there: BBox_List_2017.csv, train_val_list.txt, test_list.txt
chexpert   CheXpert: folder that holds CheXpert-v1.0*/, with train.csv and valid.csv (the official validation images become the test)
retina     EyePACS or APTOS: folder of images and a CSV with image,level or id_code,diagnosis
Use        python -m bedside.pillars.imaging.planes.sets nih FOLDER raw
Rules      a row whose image is not in the folder is counted and its label still written: the study counts it again as naming no image.
           Training patients are divided into train and tune by a hash of their number, one in eight to tune.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bedside.cohort.splits import place
from bedside.core.errors import BedsideError, Malformed, Misconfigured
from bedside.core.ids import subject_number
from bedside.core.split import Split
from bedside.pillars.imaging.planes.wrap import instance, picture

_TUNE = Split(test_fraction=0.0, tune_fraction=0.125)
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
_CHEXPERT = re.compile(r"(train|valid)/patient(\d+)/study(\d+)/view(\d+)_(frontal|lateral)\.jpg$")
_VIEWS = {"Lateral": "LL", "Frontal": "AP"}
Counts = Counter[str]
Row = dict[str, str]


def nih(folder: Path, out: Path) -> Counts:
    """NIH Chest X-ray 14."""
    rows, counts, found = _table(folder, "Data_Entry_2017*.csv"), Counter[str](), _pictures(folder)
    kept = ["Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender", "View Position"]
    _write(out / "labels/findings.csv", kept, rows)
    patients = {row["Image Index"]: row["Patient ID"] for row in rows}
    for row in rows:
        age = row["Patient Age"].rstrip("Y").lstrip("0")
        _image(out, found.get(row["Image Index"]), counts, patient=row["Patient ID"], number=row["Image Index"], modality="DX", view=row["View Position"],
               sex=row["Patient Gender"], age_years=int(age) if age.isdigit() else None)  # fmt: skip
    for path in sorted(folder.rglob("BBox_List_2017*.csv"))[:1]:
        _write(out / "labels/boxes.csv", ["Image Index", "Patient ID", "Finding Label", "x", "y", "w", "h"], _boxes(path, patients))
    lists = {"test": "test_list*.txt", "train": "train_val_list*.txt"}
    divided = [{"Patient ID": patients[name], "Image Index": name, "split": _split(split, patients[name])}
               for split, pattern in lists.items() for path in sorted(folder.rglob(pattern))[:1] for name in path.read_text().split() if name in patients]  # fmt: skip
    if divided:
        _write(out / "labels/split.csv", ["Patient ID", "Image Index", "split"], divided)
    return counts


def _boxes(path: Path, patients: Row) -> Iterator[Row]:
    """The box list, whose columns beyond the second have no names of their own."""
    with path.open(newline="") as stream:
        for cells in list(csv.reader(stream))[1:]:
            if cells[0] in patients:
                yield dict(zip(("Image Index", "Finding Label", "x", "y", "w", "h"), cells, strict=False)) | {"Patient ID": patients[cells[0]]}


def chexpert(folder: Path, out: Path) -> Counts:
    """CheXpert."""
    counts = Counter[str]()
    for name, split in (("train", "train"), ("valid", "test")):
        rows, told = _table(folder, f"{name}.csv"), list[Row]()
        for row in rows:
            parts = _CHEXPERT.search(row["Path"])
            if parts is None:
                counts["rows whose path is none of CheXpert"] += 1
                continue
            patient = str(int(parts[2]))
            number = f"p{parts[2]}s{parts[3]}v{parts[4]}"
            told.append(row | {"Patient": patient, "Image": number, "split": _split(split, patient)})
            path = next((base / parts[0] for base in sorted(folder.glob("CheXpert-v1.0*")) if (base / parts[0]).is_file()), None)
            _image(out, path, counts, patient=patient, number=number, modality="DX", view=row["AP/PA"] if row["AP/PA"] in ("AP", "PA") else _VIEWS.get(row["Frontal/Lateral"]),
                   sex={"Male": "M", "Female": "F"}.get(row["Sex"]), age_years=int(row["Age"]) if row["Age"].isdigit() else None, study=f"study{parts[3]}")  # fmt: skip
        if told:
            _write(out / f"labels/{name}.csv", list(told[0]), told)
    return counts


def retina(folder: Path, out: Path) -> Counts:
    """EyePACS (image, level) or APTOS (id_code, diagnosis)."""
    counts, found, told = Counter[str](), {Path(name).stem: path for name, path in _pictures(folder).items()}, list[Row]()
    for row in _table(folder, "*.csv"):
        name, grade = row.get("image") or row.get("id_code") or "", row.get("level") or row.get("diagnosis") or ""
        patient = re.sub(r"_(left|right)$", "", name)
        told.append({"patient": patient, "image": name, "grade": grade})
        _image(out, found.get(name), counts, patient=patient, number=name, modality="OP", study=patient)
    _write(out / "labels/grades.csv", ["patient", "image", "grade"], told)
    return counts


def _split(split: str, patient: str) -> str:
    return "tune" if split == "train" and place(subject_number(patient), _TUNE) == "tune" else split


def _image(out: Path, path: Path | None, counts: Counts, *, patient: str, number: str, modality: str, view: str | None = None, sex: str | None = None,
           age_years: int | None = None, study: str | None = None) -> None:  # fmt: skip
    """One picture as an instance, if it is there and can be read."""
    if path is None:
        counts["rows whose image is not there"] += 1
        return
    try:
        pixels = picture(path)
    except Malformed:
        counts["images that cannot be read"] += 1
        return
    place_ = out / "images" / f"{number.rsplit('.', 1)[0]}.dcm"
    place_.parent.mkdir(parents=True, exist_ok=True)
    place_.write_bytes(instance(pixels, patient=patient, number=number, modality=modality, view=view, sex=sex, age_years=age_years, study=study))
    counts["images"] += 1


def _table(folder: Path, pattern: str) -> list[Row]:
    """The first table of that name."""
    found = sorted(folder.rglob(pattern))
    if not found:
        raise Misconfigured(f"there is no {pattern} in this folder", where="the first argument", do="point at the folder that holds the set as downloaded")
    with found[0].open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def _pictures(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _PICTURES}


def _write(path: Path, columns: list[str], rows: Iterable[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


SETS: dict[str, Callable[[Path, Path], Counts]] = {"nih": nih, "chexpert": chexpert, "retina": retina}


def main(arguments: list[str]) -> int:
    """Bring one set into raw/; prints what became of it."""
    if len(arguments) != 3 or arguments[0] not in SETS:
        print(__doc__)
        return 2
    try:
        counts = SETS[arguments[0]](Path(arguments[1]), Path(arguments[2]))
    except BedsideError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for what, count in sorted(counts.items()):
        print(f"{count:>8} {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
