"""A DICOM instance to its frames: where each lies in the patient, how its numbers are rescaled, what tells it from its neighbours.

In        a pydicom data set: classic, multi-frame or enhanced (functional groups: per frame, else shared, else the data set itself)
Out       `Frame`s in the order of the pixel data
Refuses   `Malformed` for an image without position, orientation or pixel spacing
Source    DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16.2 (functional group macros), C.8.13.5 (MR echo, diffusion, frame type)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.errors import BytesLengthException

from bedside.core.errors import Malformed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DO = "export the series again with all its headers, or leave it out"
_ORTHOGONAL = 1e-3
_NEAREST_MM, _FARTHEST_MM = 1e-6, 1e6
"""A distance in or around a patient lies between a nanometre and a kilometre; what does not, is damage."""
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, IndexError, OverflowError, NotImplementedError, BytesLengthException)
SIEMENS_B_VALUE = (0x0019, 0x100C)


@dataclass(frozen=True, eq=False)
class Frame:
    """One plane of pixels.

    origin          (3,) mm, LPS, centre of the first pixel; down, across: (3,) mm to the next row, the next column
    row, column     of its first pixel in the stored frame (a tile of a mosaic), rows x columns its size
    slope, intercept   stored value to number; None where nothing rescales
    told            what may divide a series into volumes, by name, in the order in which it is tried
    order           of acquisition, for what nothing else tells apart
    """

    instance_uid: str
    number: int
    file: int
    origin: NDArray[np.float64]
    down: NDArray[np.float64]
    across: NDArray[np.float64]
    rows: int
    columns: int
    row: int = 0
    column: int = 0
    slope: float | None = None
    intercept: float | None = None
    told: dict[str, str] = field(default_factory=dict)
    order: tuple[float, ...] = ()
    image_type: tuple[str, ...] = ()


def frames(dataset: Any, *, file: int, where: str) -> list[Frame]:
    """Every frame of one instance; `Malformed` says what its header lacks.

    file   number by which `pixels.py` finds the instance again
    """
    try:
        count = int(dataset.get("NumberOfFrames") or 1)
        return [_frame(dataset, number, file, where) for number in range(1, count + 1)]
    except UNREADABLE as error:
        raise Malformed(f"a header value of the image plane cannot be read ({type(error).__name__})", where=where, do=_DO) from None


def _frame(dataset: Any, number: int, file: int, where: str) -> Frame:
    levels = _levels(dataset, number)
    position, orientation = _numbers(levels, "ImagePositionPatient", 3), _numbers(levels, "ImageOrientationPatient", 6)
    spacing = _numbers(levels, "PixelSpacing", 2)
    missing = [name for name, value in (("position", position), ("orientation", orientation), ("pixel spacing", spacing)) if value is None]
    if position is None or orientation is None or spacing is None:
        raise Malformed(f"an image without {' or '.join(missing)}", where=where, do=_DO)
    along, downward = orientation[:3], orientation[3:]
    if not _unit(along, downward) or min(spacing) <= 0:
        raise Malformed("row and column directions are no right angle of unit length, or the pixel spacing is not positive", where=where, do=_DO)
    if np.abs(position).max() > _FARTHEST_MM or not all(_is_distance(one) for one in spacing):
        raise Malformed("a position or pixel spacing that lies in no room", where=where, do=_DO)
    return Frame(
        str(dataset.SOPInstanceUID), number, file, position, downward * spacing[0], along * spacing[1], int(dataset.Rows),
        int(dataset.Columns), slope=_one(levels, "RescaleSlope"), intercept=_one(levels, "RescaleIntercept"), told=_told(dataset, levels),
        order=_order(dataset, levels, number), image_type=tuple(str(part).upper() for part in _first(levels, "FrameType", "ImageType") or ()),
    )  # fmt: skip


def _levels(dataset: Any, number: int) -> list[Any]:
    """Where an attribute of a frame may stand, the nearest first: every item of its functional groups, the shared ones, the data set."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    groups = [per_frame[number - 1]] if number <= len(per_frame) else []
    groups += list(dataset.get("SharedFunctionalGroupsSequence") or [])
    return [*(element.value[0] for group in groups for element in group if element.VR == "SQ" and len(element.value)), dataset]


def _first(levels: list[Any], *keywords: str) -> Any:
    for keyword in keywords:
        for level in levels:
            value = level.get(keyword)
            if value is not None and value != "":
                return value
    return None


def _numbers(levels: list[Any], keyword: str, count: int) -> NDArray[np.float64] | None:
    value = _first(levels, keyword)
    if value is None or len(value) != count:
        return None
    told = np.array([float(one) for one in value])
    return told if np.isfinite(told).all() else None


def _one(levels: list[Any], keyword: str) -> float | None:
    value = _first(levels, keyword)
    return None if value is None else float(value)


def _unit(along: NDArray[np.float64], downward: NDArray[np.float64]) -> bool:
    lengths = np.array([np.linalg.norm(along), np.linalg.norm(downward)])
    return bool(np.all(np.abs(lengths - 1) < _ORTHOGONAL * 10) and abs(float(along @ downward)) < _ORTHOGONAL * 10)


def _told(dataset: Any, levels: list[Any]) -> dict[str, str]:
    """What may set one volume of a series apart from another; what is not said is left out."""
    private = dataset.get(SIEMENS_B_VALUE)
    direction = _first(levels, "DiffusionGradientOrientation")
    said = {
        "component": _first(levels, "ComplexImageComponent"),
        "type": _type(_first(levels, "FrameType", "ImageType")),
        "echo time": _first(levels, "EffectiveEchoTime", "EchoTime"),
        "inversion time": _first(levels, "InversionTime"),
        "b value": _first(levels, "DiffusionBValue") if private is None else private.value,
        "b direction": None if direction is None else "\\".join(f"{float(one):.4f}" for one in direction),
        "temporal position": _first(levels, "TemporalPositionIndex", "TemporalPositionIdentifier"),
        "trigger time": _first(levels, "NominalCardiacTriggerDelayTime", "TriggerTime"),
        "acquisition number": dataset.get("AcquisitionNumber"),
        "acquisition time": _first(levels, "FrameAcquisitionDateTime", "AcquisitionDateTime", "AcquisitionTime"),
    }
    return {name: str(value) for name, value in said.items() if value is not None and str(value) != ""}


def _type(parts: Any) -> str | None:
    """What kind of pixels: the third value of the image type and those after it."""
    told = [str(part).upper() for part in parts or ()]
    return "\\".join(told[2:]) or None


def _order(dataset: Any, levels: list[Any], number: int) -> tuple[float, ...]:
    return (float(dataset.get("AcquisitionNumber") or 0), float(dataset.get("InstanceNumber") or 0), float(number))


def text(dataset: Any, keyword: str) -> str:
    """An attribute as text, empty where it is absent or cannot be read."""
    try:
        return str(dataset.get(keyword) or "").strip()
    except UNREADABLE:
        return ""


def _is_distance(mm: float) -> bool:
    return bool(_NEAREST_MM <= mm <= _FARTHEST_MM)


def millimetres(dataset: Any, keyword: str) -> float | None:
    """An attribute as a distance, None where it is none that could be."""
    try:
        value = float(dataset.get(keyword) or 0)
    except UNREADABLE:
        return None
    return value if _is_distance(value) else None
