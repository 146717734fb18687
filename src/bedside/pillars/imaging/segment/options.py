"""[model] of study.toml for segmentation: the network, how it learns. Defaults run on one thread of a laptop's processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from bedside.core.errors import Misconfigured
from bedside.pillars.imaging.segment.vit import PATCH

Network = Literal["unet", "vit", "swinunetr"]


class SegmentOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to fit.

    network        unet: convolutional (Ronneberger et al., MICCAI 2015), residual; vit: vision transformer (Dosovitskiy et al., ICLR
                   2021) and swinunetr: shifted-window transformer (Hatamizadeh et al., arXiv:2201.01266), both with convolutions
                   on the way back to voxels
    channels       unet: channels of each level, the first at full resolution, each next one at half of it
    features       vit: channels of a token, a multiple of 4; swinunetr: channels of the first level, a multiple of 12
    spacing_mm     head, back, left; the median of the training volumes when nothing is said
    window         voxels that the network reads at once (head, back, left): unet multiples of 2 ** (levels - 1), vit of 4, swinunetr of 32
    brightness     "z-score", or "window" with `low` and `high` (Hounsfield units, say)
    steps          of the optimiser; every `watch` of them the tune split is looked at, and the best of these states is kept
    batch          windows a step
    warm_up        steps over which the learning rate rises to `learning_rate`; then it falls to nought along a cosine
    turn, scale, shift, brighten, noise    most that a training window is changed at random: degrees, share, voxels, standard
                   deviations of brightness (factor and offset), standard deviation of noise
    overlap        of windows when predicting
    threads        of the processor; more than one makes sums come out in another order, and a fit that is not repeated to the bit
    """

    network: Network = "unet"
    channels: list[int] = msgspec.field(default_factory=lambda: [8, 16, 32, 64])
    features: int = 48
    spacing_mm: tuple[float, float, float] | None = None
    window: tuple[int, int, int] = (32, 48, 32)
    brightness: Literal["z-score", "window"] = "z-score"
    low: float = 0.0
    high: float = 1.0
    steps: int = 600
    watch: int = 100
    batch: int = 2
    learning_rate: float = 4e-3
    warm_up: int = 50
    weight_decay: float = 1e-4
    turn: float = 12.0
    scale: float = 0.12
    shift: float = 3.0
    brighten: float = 0.2
    noise: float = 0.1
    overlap: float = 0.5
    threads: int = 1


_AT_LEAST: dict[str, float] = {"steps": 1, "watch": 1, "batch": 1, "warm_up": 0, "weight_decay": 0, "turn": 0, "scale": 0, "shift": 0,
                               "brighten": 0, "noise": 0, "threads": 1}  # fmt: skip
_STEPS, _FEATURES = {"vit": PATCH, "swinunetr": 32}, {"vit": 4, "swinunetr": 12}


def options(declared: Mapping[str, object]) -> SegmentOptions:
    """The options that [model] declares; `Misconfigured` tells every problem at once.

    >>> options({"steps": 20}).network
    'unet'
    """
    try:
        said = msgspec.convert(dict(declared), SegmentOptions)
    except msgspec.ValidationError as error:
        raise Misconfigured(str(error), where="study.toml, [model]", do="see docs/imaging.md") from error
    faults = [f"{name} must be at least {least:g}" for name, least in _AT_LEAST.items() if getattr(said, name) < least]
    faults += ["learning_rate must be above 0"] * (said.learning_rate <= 0) + ["overlap must be from 0 to below 1"] * (not 0 <= said.overlap < 1)
    faults += ["scale must be below 1"] * (said.scale >= 1) + ["high must be above low"] * (said.high <= said.low)
    faults += ["spacing_mm must be above 0"] * (said.spacing_mm is not None and min(said.spacing_mm) <= 0)
    faults += _of_network(said)
    if faults:
        raise Misconfigured("; ".join(faults), where="study.toml, [model]", do="correct the values above")
    return said


def _of_network(said: SegmentOptions) -> list[str]:
    step = _STEPS.get(said.network, 2 ** (len(said.channels) - 1))
    faults = [f"window must be multiples of {step}"] * any(size < step or size % step for size in said.window)
    faults += ["swinunetr needs a window above 32 along some axis"] * (said.network == "swinunetr" and max(said.window) <= step)
    if said.network in _FEATURES:
        least = _FEATURES[said.network]
        return faults + [f"features must be a multiple of {least}"] * (said.features < 1 or said.features % least != 0)
    return faults + ["channels names at least two levels of at least 1"] * (len(said.channels) < 2 or min(said.channels, default=0) < 1)
