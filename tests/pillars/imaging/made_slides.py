"""Made slides: pink tissue on glass, of which some have a small nest of dense purple; as TIFF pyramids and as DICOM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from bedside.pillars.imaging.slides.convert import convert

MPP, TILE = 0.5, 32
SLIDES = """schema = "bedside.mapping/1"
name = "slides"
[tables.slides]
files = ["slides.csv"]
subject = "patient"
roles = { patient = "subject", slide = "identifier", tumour = "keep", isup = "keep" }
[[tables.slides.events]]
encounter = "slide"
static = true
columns.tumour = "TUMOUR"
columns.isup = "ISUP"
"""


def slide(draw: np.random.Generator, *, tumour: bool, size: int = 256) -> Any:
    """(size, size, 3) uint8: a round of tissue of any size and shade; with a tumour one spot of it is crowded with dark nuclei."""
    down, right = np.mgrid[:size, :size] / size - 0.5
    shown = np.full((size, size, 3), 0.94)
    inside = down**2 + right**2 < draw.uniform(0.1, 0.2)
    shown[inside] = np.array([0.88, 0.6, 0.75]) * draw.uniform(0.85, 1.05)
    grain = draw.standard_normal((size, size)) > draw.uniform(1.5, 2.1)
    shown[inside & grain] = (0.45, 0.25, 0.6)
    if tumour:
        y, x = draw.uniform(-0.15, 0.15, 2)
        nest = (down - y) ** 2 + (right - x) ** 2 < 0.09**2
        shown[nest & (draw.standard_normal((size, size)) > 0.2)] = (0.35, 0.2, 0.55)
    return np.clip((shown + 0.01 * draw.standard_normal(shown.shape)) * 255, 0, 255).astype(np.uint8)


def tiff(path: Path, pixels: Any, *, mpp: float | None = MPP) -> Path:
    """A pyramid of three levels; without `mpp` it has no scale."""
    told: dict[str, Any] = {"tile": (64, 64), "photometric": "rgb"}
    with tifffile.TiffWriter(path) as writer:
        for level in range(3):
            scale = {"resolutionunit": "CENTIMETER", "resolution": (10000 / (mpp * 2**level),) * 2} if mpp else {}
            own = {"subifds": 2} if level == 0 else {"subfiletype": 1}
            writer.write(np.ascontiguousarray(pixels[:: 2**level, :: 2**level]), **told, **scale, **own)
    return path


def files(count: int, folder: Path, *, seed: int = 11) -> dict[str, bytes | str]:
    """Slides of so many patients as DICOM, and their labels."""
    draw, made, lines = np.random.default_rng(seed), dict[str, bytes | str](), ["patient,slide,tumour,isup\n"]
    for patient in range(1, count + 1):
        tumour = bool(draw.random() < 0.5)
        path = tiff(folder / f"{patient}.tif", slide(draw, tumour=tumour))
        for level, data in enumerate(convert(path, patient=f"p{patient}", slide=f"S{patient}", tile=64)):
            made[f"images/{patient}/{level}.dcm"] = data
        lines.append(f"p{patient},S{patient},{int(tumour)},{int(tumour) * 2}\n")
    return made | {"labels/slides.csv": "".join(lines), "../slides.toml": SLIDES}
