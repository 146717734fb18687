"""[model] of study.toml for 2-D images: the network, how it learns, where an alert is raised. Defaults run on a laptop's processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from bedside.core.errors import Misconfigured

Network = Literal["densenet", "resnet", "vit", "densenet121"]
Change = Literal["flip-left-right", "flip-up-down", "shift", "brightness"]


class PlaneOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to fit.

    network        densenet, resnet, vit: small ones for a processor; densenet121: the full one (Huang et al., CVPR 2017), 7 million weights.
                   For question "detect" the network is one of its own, fully convolutional, and only `width` counts
    size           side of the square that the network reads, in pixels; channels 1 (brightness) or 3 (colour)
    width          channels of the first layer (vit: size of a token)
    epochs         at most; after `patience` epochs without a better loss on the tune split it stops, and the best ones' weights stay
    changes        what is done to training images at random, so that the network learns to look past it
    radius         detect: standard deviation of a lesion's mark on the map, in pixels of the square; peaks within three are one
    floor          detect: peaks less sure than this are not lesions
    calibrate      classify: Platt's two numbers, fitted on the tune split
    thresholds     of each yes-no or found target, name to rule: "youden", "sensitivity=0.8", "risk=0.5"; chosen on the tune split
    threads        of the processor; more than one makes sums come out in another order, and a fit that is not repeated to the bit
    """

    network: Network = "densenet"
    size: int = 64
    channels: Literal[1, 3] = 1
    width: int = 16
    epochs: int = 30
    patience: int = 8
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    changes: list[Change] = msgspec.field(default_factory=lambda: ["shift"])
    radius: float = 2.0
    floor: float = 0.05
    calibrate: bool = True
    thresholds: dict[str, str] = msgspec.field(default_factory=lambda: {"alert": "sensitivity=0.8"})
    threads: int = 1


_FROM_TO: dict[str, tuple[float, float]] = {
    "size": (16, 2048), "width": (4, 1024), "epochs": (1, 10**5), "patience": (1, 10**5), "batch": (2, 4096), "threads": (1, 256),
    "weight_decay": (0, 1), "radius": (0.1, 512),
}  # fmt: skip
_MOST_NUMBERS, _MOST_TOKENS, _PATCH = 1 << 32, 1 << 12, 8
"""Of a batch at full resolution, which is 16 GiB a layer; of what a vit cuts an image into, each of which attends to all."""
_HALVED = 32
"""A DenseNet halves its image five times."""


def options(declared: Mapping[str, object]) -> PlaneOptions:
    """The options that [model] declares; `Misconfigured` tells every problem at once."""
    from bedside.pillars.imaging.thresholds import rule

    try:
        said = msgspec.convert(declared, PlaneOptions)
    except msgspec.ValidationError as error:
        raise Misconfigured(str(error), where="study.toml, [model]", do="see docs/imaging-2d.md for its keys") from error
    wrong = [f"{name} is not from {least:g} to {most:g}" for name, (least, most) in _FROM_TO.items() if not least <= getattr(said, name) <= most]
    wrong += ["learning_rate is not above 0 and at most 1"] * (not 0 < said.learning_rate <= 1)
    wrong += ["floor is not between 0 and 1"] * (not 0 < said.floor < 1)
    wrong += [f"{said.network} needs a size of at least {_HALVED}"] * (said.network.startswith("densenet") and said.size < _HALVED)
    wrong += ["size is no multiple of 8, which vit cuts it into"] * (said.network == "vit" and said.size % _PATCH > 0)
    wrong += ["size is too large for vit, which cuts it into over 4096 patches"] * (said.network == "vit" and (said.size // _PATCH) ** 2 > _MOST_TOKENS)
    wrong += ["batch, size and width make over 16 GiB together"] * (said.batch * said.size**2 * said.width > _MOST_NUMBERS)
    wrong += ["size is no multiple of 4"] * (said.size % 4 > 0)
    if wrong:
        raise Misconfigured("; ".join(wrong), where="study.toml, [model]", do="correct these keys")
    for text in said.thresholds.values():
        rule(text)
    return said
