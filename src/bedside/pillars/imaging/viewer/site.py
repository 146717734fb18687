"""What the viewer serves: the page, niivue, and of each unit its volume, its label maps and its figures.

In        `Shown` units, in the order in which they are listed
Out       a `server.Site`: "", "niivue.js", "view.js", "view.css", "study.json", "N/image.nii.gz", "N/OUTPUT.nii.gz"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files

import msgspec

from bedside.pillars.imaging.viewer.page import page
from bedside.pillars.imaging.viewer.server import Content, Site
from bedside.report.style import sheet

_ROOM = "bedside.pillars.imaging.viewer"
_KEPT = 4
_NIFTI = "application/octet-stream"
# Okabe and Ito, Color Universal Design (2008): told apart by most colour-blind people.
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")


class Figure(msgspec.Struct, frozen=True):
    """One measure of one structure of one unit: None where it is not defined."""

    output: str
    target: str
    measure: str
    value: float | None
    unit: str


class Shown(msgspec.Struct, frozen=True):
    """One unit as the page knows it.

    outputs    names of the label maps: the model's first, then what stands beside it
    about      pairs of words and what they are, for the list beside the picture
    """

    name: str
    outputs: list[str]
    about: list[tuple[str, str]]
    figures: list[Figure]


class Told(msgspec.Struct, frozen=True):
    """study.json. targets: label and colour, in the order of their numbers; first: the unit to begin with."""

    study: str
    made: bool
    targets: list[tuple[str, str]]
    units: list[Shown]
    first: int = 0


def site(
    told: Told, image: Callable[[str], bytes], labels: Callable[[str, str], bytes]
) -> Site:
    """Everything under its name.

    image    of a unit, the volume as .nii.gz
    labels   of a unit and output, the label map as .nii.gz
    """
    kept = lru_cache(maxsize=_KEPT)(image)
    fixed: Mapping[str, Content] = {
        "": Content("text/html; charset=utf-8", lambda: page(told.study, made=told.made).encode()),
        "niivue.js": Content("text/javascript; charset=utf-8", lambda: _file("niivue/niivue.umd.js")),
        "view.js": Content("text/javascript; charset=utf-8", lambda: _file("view.js")),
        "view.css": Content("text/css; charset=utf-8", lambda: sheet().encode() + _file("view.css")),
        "study.json": Content("application/json", lambda: msgspec.json.encode(told)),
    }
    units = {f"{number}/image.nii.gz": Content(_NIFTI, _bound(kept, unit.name)) for number, unit in enumerate(told.units)}
    maps = {f"{number}/{output}.nii.gz": Content(_NIFTI, _bound(labels, unit.name, output))
            for number, unit in enumerate(told.units) for output in unit.outputs}  # fmt: skip
    return {**fixed, **units, **maps}


def _bound(give: Callable[..., bytes], *arguments: str) -> Callable[[], bytes]:
    return lambda: give(*arguments)


def _file(name: str) -> bytes:
    return files(_ROOM).joinpath(name).read_bytes()
