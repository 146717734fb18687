"""[model] of study.toml for segmentation: the network, how it learns. Defaults run on one thread of a laptop's processor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
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


_FROM_TO: dict[str, tuple[float, float]] = {
    "steps": (1, 10**6), "watch": (1, 10**6), "batch": (1, 256), "warm_up": (0, 10**6), "weight_decay": (0, 1), "turn": (0, 180), "scale": (0, 0.9),
    "shift": (0, 1000), "brighten": (0, 10), "noise": (0, 10), "overlap": (0, 0.9), "threads": (1, 256), "low": (-1e9, 1e9), "high": (-1e9, 1e9),
}  # fmt: skip
_SPACING_MM, _CHANNELS, _WINDOW, _LEVELS = (0.01, 100.0), (1, 1024), (1, 512), (2, 8)
_MOST_NUMBERS, _MOST_TOKENS = 1 << 32, 1 << 13
"""Of a batch at full resolution, which is 16 GiB a layer; of a vit's window, each of which attends to all."""
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
    faults = [f"{name} must be from {least:g} to {most:g}" for name, (least, most) in _FROM_TO.items() if not least <= getattr(said, name) <= most]
    faults += ["learning_rate must be above 0 and at most 1"] * (not 0 < said.learning_rate <= 1)
    faults += ["high must be above low"] * (not said.high > said.low)
    faults += _outside("spacing_mm", said.spacing_mm or (), _SPACING_MM) + _outside("window", said.window, _WINDOW)
    faults = faults or _of_network(said)
    if faults:
        raise Misconfigured("; ".join(faults), where="study.toml, [model]", do="correct the values above")
    return said


def _outside(name: str, values: Sequence[float], within: tuple[float, float]) -> list[str]:
    """A fault when any of the values is not within; nan never is."""
    return [f"{name} must each be from {within[0]:g} to {within[1]:g}"] * (not all(within[0] <= one <= within[1] for one in values))


def _of_network(said: SegmentOptions) -> list[str]:
    wide = [said.features] if said.network in _FEATURES else said.channels
    least = _FEATURES.get(said.network, 1)
    faults = _outside("features" if said.network in _FEATURES else "channels", wide, (least, _CHANNELS[1]))
    faults += [f"features must be a multiple of {least}"] * any(one % least for one in wide)
    faults += ["channels must name 2 to 8 levels"] * (said.network not in _FEATURES and not _LEVELS[0] <= len(wide) <= _LEVELS[1])
    return faults or _of_window(said, wide[0])


def _of_window(said: SegmentOptions, wide: int) -> list[str]:
    step = _STEPS.get(said.network, 2 ** (len(said.channels) - 1))
    faults = [f"window must be multiples of {step}"] * any(size < step or size % step for size in said.window)
    faults += [f"{said.network} needs a window above {step} along some axis"] * (said.network != "vit" and max(said.window) <= step)
    faults += ["window is too large for vit: it holds over 8192 patches"] * (said.network == "vit" and prod(said.window) // PATCH**3 > _MOST_TOKENS)
    return faults + ["batch, window and the first channels make over 16 GiB together"] * (said.batch * prod(said.window) * wide > _MOST_NUMBERS)
