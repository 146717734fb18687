"""The baseline of segmentation: where the structures lie on average, whatever the image shows.

In        labels of the training volumes (head, back, left), each stretched onto one small grid
Out       `Atlas`: of each class the share of volumes that have it there; labels for a volume of any shape
Why       volumes cropped around a structure hold it in much the same place: a model must beat this to have looked at the image.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bedside.bundle.runners.onnx_image import Turned, resized, restore, turning

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GRID = (32, 32, 32)


def mean_shape(labels: Sequence[NDArray[np.uint8]], classes: int) -> NDArray[np.uint8]:
    """(classes, 32, 32, 32): share of the volumes, 0 to 255."""
    total = np.zeros((classes, *_GRID), np.float64)
    for one in labels:
        total += np.stack([resized((one == label).astype(np.float32), _GRID) for label in range(classes)])
    return np.asarray(np.rint(total / max(len(labels), 1) * 255), dtype=np.uint8)


def on(shares: NDArray[np.uint8], shape: tuple[int, ...], affine: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Labels for a volume of this shape and affine: of each voxel the class that most volumes have there."""
    turned: Turned = turning(shape, affine)
    return np.asarray(restore(shares.astype(np.float32), turned).argmax(axis=0), dtype=np.uint8)


def dump(shares: NDArray[np.uint8]) -> bytes:
    """As a .npy file, which holds numbers and nothing else."""
    stream = io.BytesIO()
    np.save(stream, shares, allow_pickle=False)
    return stream.getvalue()


def load(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(np.load(io.BytesIO(data), allow_pickle=False), dtype=np.uint8)
