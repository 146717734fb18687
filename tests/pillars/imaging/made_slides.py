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


REGIONS = """schema = "bedside.mapping/1"
name = "regions"
[tables.regions]
files = ["regions.csv"]
subject = "patient"
roles = { patient = "subject", slide = "identifier", region = "keep", done = "keep" }
[[tables.regions.events]]
code = "TUMOUR"
encounter = "slide"
static = true
text = "region"
needs_value = true
[[tables.regions.events]]
code = "DRAWN"
encounter = "slide"
static = true
when = "done = '1'"
"""
NEST = 0.09
"""Radius of a nest, as a share of the slide's side."""


def slide(draw: np.random.Generator, *, tumour: bool, size: int = 256, at: tuple[float, float] | None = None) -> Any:
    """(size, size, 3) uint8: a round of tissue of any size and shade; with a tumour one spot of it (at y, x from the middle) is crowded with dark nuclei."""
    down, right = np.mgrid[:size, :size] / size - 0.5
    shown = np.full((size, size, 3), 0.94)
    inside = down**2 + right**2 < draw.uniform(0.1, 0.2)
    shown[inside] = np.array([0.88, 0.6, 0.75]) * draw.uniform(0.85, 1.05)
    grain = draw.standard_normal((size, size)) > draw.uniform(1.5, 2.1)
    shown[inside & grain] = (0.45, 0.25, 0.6)
    if tumour:
        y, x = at or draw.uniform(-0.15, 0.15, 2)
        nest = (down - y) ** 2 + (right - x) ** 2 < NEST**2
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


def drawn(count: int, folder: Path, *, seed: int = 19) -> dict[str, bytes | str]:
    """Slides of so many patients as DICOM; around each nest a polygon of 24 corners in pixels of level 0; patient 1's slide was not gone through.

    Each slide has a blot of the nest's mean colour too, so that colour and brightness alone do not tell a nest.
    """
    draw, made, lines = np.random.default_rng(seed), dict[str, bytes | str](), ["patient,slide,region,done\n"]
    down, right = np.mgrid[:256, :256] / 256 - 0.5
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for patient in range(1, count + 1):
        y, x = draw.uniform(-0.15, 0.15, 2)
        tumour = bool(draw.random() < 0.7)
        pixels, away = slide(draw, tumour=tumour, at=(y, x)), (y - 0.2 * np.sign(y), x)
        nest, blot = ((down - at) ** 2 + (right - across) ** 2 < NEST**2 for at, across in ((y, x), away))
        pixels[blot] = pixels[nest].mean(axis=0) * (1 if tumour else 0.75) + 3 * draw.standard_normal((blot.sum(), 3))
        path = tiff(folder / f"{patient}.tif", pixels)
        for level, data in enumerate(convert(path, patient=f"p{patient}", slide=f"S{patient}", tile=64)):
            made[f"images/{patient}/{level}.dcm"] = data
        corners = 256 * (np.column_stack([x + NEST * np.cos(turn), y + NEST * np.sin(turn)]) + 0.5)
        region = "; ".join(f"{across:.1f} {down:.1f}" for across, down in corners) if tumour else ""
        lines.append(f"p{patient},S{patient},{region},{int(patient > 1)}\n")
    return made | {"labels/regions.csv": "".join(lines), "../regions.toml": REGIONS}
