"""Made 2-D images: chests whose heart or effusion is large, eyes with spots, noise with nodules; written as DICOM with their labels as tables.

Nothing here looks like a patient; it is bright where a finding would be, so that a network has something to learn in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bedside import Study
from bedside.deidentify.keyring import Keyring
from bedside.pillars.imaging.planes.wrap import FUNDUS, RADIOGRAPH, instance, uid

NIH = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n"


def chest(draw: np.random.Generator, *, heart: bool, effusion: bool, size: int = 48) -> Any:
    """A chest of (size, size) uint16: dark lungs, a bright middle that is wide or not, a bright corner or not; 12 bits."""
    down, right = np.mgrid[:size, :size] / size
    shown = 0.55 + 0.1 * draw.random() + 0.06 * draw.standard_normal((size, size))
    deep, high = draw.uniform(0.25, 0.45), draw.uniform(0.25, 0.38)
    for centre in (0.3, 0.7):
        shown -= deep * (((right - centre) / 0.17) ** 2 + ((down - 0.5) / high) ** 2 < 1)
    wide = 0.22 if heart else 0.11
    shown += 0.25 * (((right - 0.55) / wide) ** 2 + ((down - 0.65) / 0.15) ** 2 < 1)
    if effusion:
        shown += 0.3 * ((down > 0.68) & (np.abs(right - 0.3) < 0.18))
    shown = (shown - shown.mean()) / shown.std() * draw.uniform(0.1, 0.2) + draw.uniform(0.4, 0.6)
    top, left, bottom, beside = draw.integers(0, 7, 4)  # collimators, so that brightness tells little
    shown[:top], shown[:, :left], shown[size - bottom :], shown[:, size - beside :] = 0, 0, 0, 0
    return np.clip(shown * 4095, 0, 4095).astype(np.uint16)


def eye(draw: np.random.Generator, grade: int, size: int = 48) -> Any:
    """A fundus of (size, size, 3) uint8: an orange disc with the more dark red spots, the higher the grade."""
    down, right = np.mgrid[:size, :size] / size - 0.5
    inside = down**2 + right**2 < 0.23
    shown = np.stack([inside * level for level in (0.75, 0.4, 0.2)], axis=-1) + 0.02 * draw.standard_normal((size, size, 3))
    shade = draw.uniform(0.1, 0.3)  # a shadow of any size, so that the share of dark pixels tells little
    shown[((down - 0.1) ** 2 + (right - 0.1) ** 2 < shade**2) & inside] *= 0.45
    for _ in range(4 * grade):
        y, x = draw.uniform(-0.3, 0.1, 2)
        shown[(down - y) ** 2 + (right - x) ** 2 < 0.0022] = (0.35, 0.02, 0.02)
    return np.clip(shown * 255 * draw.uniform(0.7, 1.0), 0, 255).astype(np.uint8)


def nodules(draw: np.random.Generator, size: int = 64) -> tuple[Any, list[list[float]]]:
    """Noise of (size, size) uint16 with none, one or two round bright nodules, and their boxes."""
    rough = draw.standard_normal((size // 8, size // 8)).repeat(8, 0).repeat(8, 1)
    shown, boxes = 0.4 + 0.05 * rough + 0.05 * draw.standard_normal((size, size)), []
    down, right = np.mgrid[:size, :size]
    for _ in range(int(draw.integers(0, 3))):
        x, y = draw.uniform(10, size - 10, 2)
        if all(np.hypot(x - box[0] - 5, y - box[1] - 5) > 16 for box in boxes):
            shown += 0.35 * np.exp(-((right - x) ** 2 + (down - y) ** 2) / (2 * 2.5**2))
            boxes.append([round(x - 5, 1), round(y - 5, 1), 10.0, 10.0])
    return np.clip(shown * 3000, 0, 4095).astype(np.uint16), boxes


def radiograph(pixels: Any, patient: str, number: str, **more: Any) -> bytes:
    """A CR instance of 12 bits stored, which de-identification lets pass."""
    attributes = {"BitsStored": 12, "HighBit": 11, "StudyDate": "20200110", "StudyTime": "101500", **more.pop("more", {})}
    return instance(pixels, patient=patient, number=number, modality="CR", sop_class=RADIOGRAPH, more=attributes, **more)


def photograph(pixels: Any, patient: str, number: str, **more: Any) -> bytes:
    return instance(pixels, patient=patient, number=number, modality="OP", sop_class=FUNDUS, more={"StudyDate": "20200110", "StudyTime": "1015"}, **more)


def study(root: Path, task: str, files: dict[str, bytes | str], *, mapping: str = "nih-chest-xray", policy: str = "expert-determination") -> Study:
    """A study folder with raw/images and raw/labels, and a keyring beside it."""
    for name, data in files.items():
        path = root / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    attested = 'attestation = "made images"\n' if policy == "as-received" else ""
    (root / "study.toml").write_text(f"""schema = "bedside.study/1"
name = "made"
seed = 1
site = "site-1"
timezone = "UTC"
made = true
[[source]]
name = "images"
format = "dicom"
path = "raw/images"
[[source]]
name = "labels"
format = "tables"
path = "raw/labels"
mapping = "{mapping}"
[deidentify]
policy = "{policy}"
{attested}
{task}
""")
    Keyring.create(root.with_name(root.name + ".keyring"))
    return Study(root)


def chests(count: int, *, seed: int = 3, change: Callable[[int, dict[str, Any]], None] | None = None) -> dict[str, bytes | str]:
    """Files of so many patients: a frontal image each, every third also a lateral one; labels as NIH Chest X-ray has them."""
    draw, files, lines = np.random.default_rng(seed), dict[str, bytes | str](), [NIH]
    for patient in range(1, count + 1):
        heart, effusion = bool(draw.random() < 0.5), bool(draw.random() < 0.4)
        number = f"{patient:08d}_000.png"
        found = "|".join([*["Cardiomegaly"] * heart, *["Effusion"] * effusion]) or "No Finding"
        age, sex = int(draw.integers(20, 85)), "FM"[patient % 2]
        files[f"images/{patient}a.dcm"] = radiograph(chest(draw, heart=heart, effusion=effusion), str(patient), number, view="PA", sex=sex, age_years=age)
        lines.append(f"{number},{found},0,{patient},{age},{sex},PA\n")
        if patient % 3 == 0:
            other = f"{patient:08d}_001.png"
            files[f"images/{patient}b.dcm"] = radiograph(chest(draw, heart=False, effusion=False), str(patient), other, view="LL", sex=sex, age_years=age)
            lines.append(f"{other},{found},1,{patient},{age},{sex},LL\n")
    return files | {"labels/findings.csv": "".join(lines)}


EYES = """schema = "bedside.mapping/1"
name = "eyes"
[tables.grades]
files = ["grades.csv"]
subject = "patient"
roles = { patient = "subject", image = "uid", grade = "keep" }
[[tables.grades.events]]
code = "ICDR//GRADE"
encounter = "image"
value = "grade"
static = true
needs_value = true
"""
NODULES = """schema = "bedside.mapping/1"
name = "nodules"
[tables.nodules]
files = ["nodules.csv"]
subject = "patient"
roles = { patient = "subject", image = "identifier", x = "keep", y = "keep", w = "keep", h = "keep" }
[[tables.nodules.events]]
code = "NODULE"
encounter = "image"
static = true
text = "{x},{y},{w},{h}"
needs_value = true
[[tables.nodules.events]]
code = "READ"
encounter = "image"
static = true
"""


def eyes(count: int, *, seed: int = 5) -> dict[str, bytes | str]:
    """Two eyes a patient, each with a grade 0 to 3; the labels name the instance by its UID."""
    draw, files, lines = np.random.default_rng(seed), dict[str, bytes | str](), ["patient,image,grade\n"]
    for patient in range(1, count + 1):
        for side in ("L", "R"):
            grade, number = int(draw.integers(0, 4)), f"E{patient}{side}"
            files[f"images/{patient}{side.lower()}.dcm"] = photograph(eye(draw, grade), f"p{patient}", number, study=f"S{patient}")
            lines.append(f"p{patient},{uid('instance', f'p{patient}', number)},{grade}\n")
    return files | {"labels/grades.csv": "".join(lines), "../eyes.toml": EYES}


def scans(count: int, *, seed: int = 7) -> dict[str, bytes | str]:
    """One image a patient, with none, one or two nodules; a row a nodule, and a row without numbers for an image without any."""
    draw, files, lines = np.random.default_rng(seed), dict[str, bytes | str](), ["patient,image,x,y,w,h\n"]
    for patient in range(1, count + 1):
        pixels, boxes = nodules(draw)
        files[f"images/{patient}.dcm"] = radiograph(pixels, f"p{patient}", f"N{patient}", view="PA")
        lines += [f"p{patient},N{patient},{','.join(map(str, box))}\n" for box in boxes] or [f"p{patient},N{patient},,,,\n"]
    return files | {"labels/nodules.csv": "".join(lines), "../nodules.toml": NODULES}


def of_test(made: Study) -> pl.DataFrame:
    """Predictions of the test split, once the study has run so far."""
    made.run(quiet=True)
    return made.predictions("test")
