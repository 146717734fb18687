"""Tiles of a slide to numbers that a person can name: how much of which stain, how coarse, in which colour. No learning.

In        (n, size, size, 3) uint8, red, green, blue
Out       (n, 22) float32, `NAMES` in order
Why       a network that was trained on slides would say more; none may be downloaded in a run, and none is shipped.
Source    colour deconvolution: Ruifrok & Johnston, Anal Quant Cytol Histol 2001;23:291 (haematoxylin, eosin, residual)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

STAINS = ("haematoxylin", "eosin", "residual")
_EACH = ("mean", "deviation", "p10", "p90")
NAMES: tuple[str, ...] = (
    *(f"{stain}_{what}" for stain in STAINS[:2] for what in _EACH), "residual_mean", "residual_deviation",
    *(f"haematoxylin_edges_{reach}" for reach in (1, 2, 4)), *(f"eosin_edges_{reach}" for reach in (1, 2, 4)),
    *(f"{colour}_{what}" for colour in ("red", "green", "blue") for what in ("mean", "deviation")),
)  # fmt: skip
_VECTORS = np.array([[0.650, 0.704, 0.286], [0.072, 0.990, 0.105], [0.268, 0.570, 0.776]])
"""Optical density of each stain in red, green and blue: table 1 of the source for H and E; what is left over as published with it."""
_UNMIX = np.linalg.inv(_VECTORS / np.linalg.norm(_VECTORS, axis=1, keepdims=True)).astype(np.float32)
_BATCH = 64


def embed(tiles: NDArray[np.uint8]) -> Floats:
    """The numbers of each tile."""
    parts = [_embed(tiles[at : at + _BATCH]) for at in range(0, len(tiles), _BATCH)]
    return np.concatenate(parts) if parts else np.zeros((0, len(NAMES)), np.float32)


def stains(tiles: NDArray[np.uint8]) -> Floats:
    """Amount of each stain in each pixel: (..., 3)."""
    density = -np.log((tiles.astype(np.float32) + 1) / 256)
    return np.asarray(density @ _UNMIX, np.float32)


def _embed(tiles: NDArray[np.uint8]) -> Floats:
    amount, colour = stains(tiles), tiles.astype(np.float32) / 255
    told: list[Any] = []
    for place in range(2):
        layer = amount[..., place].reshape(len(tiles), -1)
        told += [layer.mean(1), layer.std(1), *np.quantile(layer, (0.1, 0.9), axis=1)]
    told += [amount[..., 2].mean((1, 2)), amount[..., 2].std((1, 2))]
    told += [_edges(amount[..., place], reach) for place in range(2) for reach in (1, 2, 4)]
    for band in range(3):
        told += [colour[..., band].mean((1, 2)), colour[..., band].std((1, 2))]
    return np.stack(told, axis=1).astype(np.float32)


def _edges(layer: Floats, reach: int) -> Floats:
    """Mean difference between pixels that lie `reach` apart: coarse or fine."""
    down, right = np.abs(layer[:, reach:] - layer[:, :-reach]), np.abs(layer[:, :, reach:] - layer[:, :, :-reach])
    return np.asarray((down.mean((1, 2)) + right.mean((1, 2))) / 2, np.float32)
