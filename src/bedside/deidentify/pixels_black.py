"""What black is in a frame.

In        stored values and how they are to be understood
Out       the darkest value of the frame for grey, so that neither its range nor a window made of it changes; the entry of a palette
          that is nearest to black; no light and no colour for the rest
Source    DICOM PS3.3 C.7.6.3.1.2 (interpretations), C.7.6.3.1.5 and .6 (palettes)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.uid import ExplicitVRBigEndian

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[Any]


def darkest(values: Values, kind: str, stored: int, dataset: Any) -> Any:
    """What black is in a frame: one value, or three.

    >>> darkest(np.array([[3, 9]]), "MONOCHROME1", 8, {}), darkest(np.zeros((1, 1, 3)), "YBR_FULL", 8, {})
    (9, [0, 128, 128])
    """
    if kind == "PALETTE COLOR":
        return _blackest_entry(dataset, values)
    if kind.startswith("YBR") and kind not in ("YBR_RCT", "YBR_ICT"):
        return [16 << max(0, stored - 8) if "PARTIAL" in kind else 0, 1 << stored - 1, 1 << stored - 1]
    if values.ndim == 3:
        return [0, 0, 0]
    return (np.nanmax if kind == "MONOCHROME1" else np.nanmin)(values).item()


def _blackest_entry(dataset: Any, values: Values) -> int:
    """The index whose colour is nearest to black (PS3.3 C.7.6.3.1.5, .6); the frame's smallest where there is no plain table."""
    light, first = np.zeros(1, np.int64), 0
    order = ">" if dataset.file_meta.get("TransferSyntaxUID") == ExplicitVRBigEndian else "<"
    for colour in ("Red", "Green", "Blue"):
        described, table = dataset.get(f"{colour}PaletteColorLookupTableDescriptor"), dataset.get(f"{colour}PaletteColorLookupTableData")
        if described is None or table is None or len(described) != 3:
            return int(values.min())
        entries, first, bits = (int(number) for number in described)
        entries = entries or 1 << 16
        wide = bits > 8 or len(table) >= 2 * entries
        light = light + np.frombuffer(table, f"{order}u2" if wide else np.uint8)[:entries].astype(np.int64)
    if first >= 1 << 15 and values.dtype.kind == "i":
        first -= 1 << 16
    return first + int(np.argmin(light))
