"""Parts of an image that are painted for what the header says of the equipment, text found or not.

In        the header, rules (`scanner_regions.toml` and further ones of the same form)
Out       masks with the names of their rules
Source    DICOM PS3.3 C.8.5.5 (US region calibration): regions hold the image data; what is outside is annotation
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

_EDGES = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
_LEAST_SHARE = 0.02
"""Regions that cover less of the image than this are no image: the rule does not hold."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule; the conditions that are given must all hold."""

    name: str
    modality: str = ""
    manufacturer: str = ""
    model: str = ""
    series_description: str = ""
    image_type: tuple[str, ...] = ()
    sop_class: str = ""
    size: tuple[int, int] | None = None
    whole: bool = False
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    outside: Literal["", "ultrasound-regions"] = ""

    def holds(self, dataset: Any) -> bool:
        said = {name: str(dataset.get(name) or "").strip().casefold() for name in
                ("Modality", "Manufacturer", "ManufacturerModelName", "SeriesDescription", "SOPClassUID")}  # fmt: skip
        kinds = {str(one).strip().casefold() for one in _several(dataset.get("ImageType"))}
        return (
            any((self.modality, self.manufacturer, self.model, self.series_description, self.image_type, self.sop_class, self.size))
            and self.modality.casefold() in ("", said["Modality"])
            and self.manufacturer.casefold() in said["Manufacturer"]
            and self.model.casefold() in said["ManufacturerModelName"]
            and self.series_description.casefold() in said["SeriesDescription"]
            and {one.casefold() for one in self.image_type} <= kinds
            and said["SOPClassUID"].startswith(self.sop_class)
            and self.size in (None, (dataset.get("Rows"), dataset.get("Columns")))
        )

    def mask(self, dataset: Any, shape: tuple[int, int]) -> Mask | None:
        """What the rule paints of an image; None where that is nothing."""
        mask = np.full(shape, self.whole)
        for left, top, right, bottom in self.boxes:
            mask[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
        if self.outside:
            inside = ultrasound_regions(dataset, shape)
            if inside is not None:
                mask |= ~inside
        return mask if mask.any() else None


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: str
    rule: tuple[Rule, ...]


class Region(NamedTuple):
    """A part that a rule paints."""

    name: str
    mask: Mask


@lru_cache(maxsize=1)
def shipped() -> tuple[Rule, ...]:
    return msgspec.toml.decode(files("bedside.deidentify").joinpath("scanner_regions.toml").read_bytes(), type=_Table).rule


def regions(dataset: Any, shape: tuple[int, int], more: Sequence[Rule] = ()) -> list[Region]:
    """The parts of an image that rules paint."""
    masks = [(rule.name, rule.mask(dataset, shape)) for rule in (*shipped(), *more) if rule.holds(dataset)]
    return [Region(name, mask) for name, mask in masks if mask is not None]


def ultrasound_regions(dataset: Any, shape: tuple[int, int]) -> Mask | None:
    """The declared regions; None when there are none, one is none, or all are next to nothing.

    Their corners belong to them (PS3.3 C.8.5.5.1.2).
    """
    inside = np.zeros(shape, bool)
    for item in dataset.get("SequenceOfUltrasoundRegions") or ():
        try:
            left, top, right, bottom = (int(item.get(name)) for name in _EDGES)
        except (TypeError, ValueError):
            return None
        if not (0 <= left <= right and 0 <= top <= bottom):
            return None
        inside[top : bottom + 1, left : right + 1] = True
    return inside if inside.mean() >= _LEAST_SHARE else None


def _several(value: Any) -> list[Any]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)
