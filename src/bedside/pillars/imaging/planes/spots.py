"""What stands beside a lesion detector: bright or dark spots of one size, found by the Laplacian of a Gaussian; no learning but of that size.

In        images in the network's square, boxes of the training lesions
Out       size, sign and strength of the spots; a map like the network's, of which peaks are taken
Source    Lindeberg, Int J Comput Vis 1998;30:79: a disc of radius r answers most strongly at a scale of r / sqrt(2)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SIGMA, SIGN, UNIT = "sigma", "sign", "unit"
_SMALLEST, _LIKELY = 1.0, 4.0
"""A spot four standard deviations of the training responses strong counts one half; the value orders, and is no probability."""


def learn(images: Floats, radii: list[float], centres: list[tuple[int, float, float]]) -> dict[str, float]:
    """How large the spots are, whether bright or dark, and how strong responses are at all.

    images    (m, size, size); radii: of the training lesions in pixels of the square; centres: image, x and y of each
    """
    sigma = max(_SMALLEST, float(np.median(radii)) / np.sqrt(2)) if radii else 2.0
    strong = np.stack([_response(image, sigma) for image in images])
    size = images.shape[-1]
    at = [strong[place, min(max(round(y), 0), size - 1), min(max(round(x), 0), size - 1)] for place, x, y in centres]
    return {SIGMA: float(sigma), SIGN: 1.0 if not at or float(np.mean(at)) >= 0 else -1.0, UNIT: float(strong.std()) or 1.0}


def heat(image: Floats, told: dict[str, float]) -> Floats:
    """A map of (size, size), to be read as logits."""
    return (told[SIGN] * _response(image, told[SIGMA]) / told[UNIT] - _LIKELY).astype(np.float32)


def _response(image: Floats, sigma: float) -> Floats:
    """Scale-normalised: -sigma^2 times the Laplacian, positive in bright spots."""
    ndimage = need("scipy.ndimage", extra="imaging")
    return np.asarray(-(sigma**2) * ndimage.gaussian_laplace(image.astype(np.float64), sigma, mode="nearest"), np.float32)
