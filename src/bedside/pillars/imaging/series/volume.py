"""A volume: voxels, where they lie in the patient, and from which instance and pixel each of them came.

Axes      (slice, row, column), as the pixels lie in the instances; slices in the direction of the slice normal (row x column)
Affine    4 x 4, (slice, row, column, 1) -> (x, y, z, 1) in mm, LPS as in DICOM: x to the patient's left, y to the back, z to the
          head. NIfTI wants RAS: `ras`, with axes (column, row, slice).
Source    DICOM PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1 (image plane).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.core.errors import Unusable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_TURNED = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)


class Source(NamedTuple):
    """Where a slice was read: instance, frame in it (from 1), and pixel of the slice's first voxel (not 0, 0 in a mosaic)."""

    instance_uid: str
    frame: int = 1
    row: int = 0
    column: int = 0


@dataclass(frozen=True, eq=False)
class Plane:
    """The slices as they were acquired: one position each, all in one orientation.

    origins   (slices, 3) mm, LPS: centre of each slice's first pixel
    down      (3,) mm from one row to the next; across: from one column to the next
    sources   one a slice
    """

    origins: NDArray[np.float64]
    down: NDArray[np.float64]
    across: NDArray[np.float64]
    sources: tuple[Source, ...]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the slices: row direction x column direction (PS3.3 C.7.6.2.1.1)."""
        normal = np.cross(self.across, self.down)
        return np.asarray(normal / np.linalg.norm(normal))

    def place(self, point: NDArray[np.float64]) -> Source:
        """Instance, frame and pixel nearest to a point (3,) in mm: slice by distance along the normal, then pixel in it."""
        nearest = int(np.argmin(np.abs((self.origins - point) @ self.normal)))
        steps, *_ = np.linalg.lstsq(np.stack([self.down, self.across], axis=1), point - self.origins[nearest], rcond=None)
        source = self.sources[nearest]
        return source._replace(row=source.row + round(float(steps[0])), column=source.column + round(float(steps[1])))


@dataclass(frozen=True, eq=False)
class Volume:
    """One regular grid of voxels.

    voxels      (slices, rows, columns), rescaled (HU and the like), in a type that holds them (`pixels.plane`)
    affine      (4, 4), see above
    acquired    the slices that it was made of; of a resampled volume they lie elsewhere than its own
    told        what sets this volume apart from the others of its series: echo, b-value, time, ... by name
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    acquired: Plane
    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference_uid: str = ""
    modality: str = ""
    resampled: bool = False
    told: dict[str, str] = field(default_factory=dict)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """mm between slices (along the stacking direction), rows, columns."""
        return tuple(float(step) for step in np.linalg.norm(self.affine[:3, :3], axis=0))  # type: ignore[return-value]

    def world(self, index: NDArray[np.float64] | tuple[float, float, float]) -> NDArray[np.float64]:
        """Point in mm (LPS) of a voxel (slice, row, column)."""
        return np.asarray(self.affine[:3, :3] @ np.asarray(index, dtype=np.float64) + self.affine[:3, 3])

    def place(self, slice_: int, row: int, column: int) -> Source:
        """The instance, frame and pixel that a voxel came from; of a resampled volume the nearest one to it.

        `Unusable` for a voxel outside the volume.
        """
        if not all(0 <= at < size for at, size in zip((slice_, row, column), self.voxels.shape, strict=True)):
            raise Unusable("a voxel outside the volume", where=f"({slice_}, {row}, {column}) of {self.voxels.shape}", do="index from 0, in order slice, row, column")
        if self.resampled:
            return self.acquired.place(self.world((slice_, row, column)))
        source = self.acquired.sources[slice_]
        return source._replace(row=source.row + row, column=source.column + column)

    def ras(self) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Voxels as (column, row, slice) and their affine in RAS, as NIfTI wants them."""
        return self.voxels.transpose(2, 1, 0), _LPS_TO_RAS @ self.affine @ _TURNED
