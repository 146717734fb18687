"""[model] of study.toml for whole slides: how they are cut, and how the answer is learned."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bedside.core.errors import Misconfigured


class SlideOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to cut and fit.

    tile        side of a tile in pixels, of the level whose scale is nearest to `mpp` micrometres a pixel (0.5: 20x)
    tissue      share of a tile that must be tissue; most: tiles of a slide at most
    hidden      size of the layer that attention looks at
    drop        share of a slide's tiles that are left out of each training step; not with unit tile
    batch       slides a training step; with unit tile, 32 tiles for each of them
    patience    epochs without a better loss on the tune split, after which it stops; the best ones' weights stay
    thresholds  of each yes-no target, name to rule: "youden", "sensitivity=0.8", "risk=0.5"; chosen on the tune split
    """

    tile: int = 256
    mpp: float = 0.5
    tissue: float = 0.25
    most: int = 400
    hidden: int = 24
    epochs: int = 80
    patience: int = 20
    batch: int = 8
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    drop: float = 0.2
    calibrate: bool = True
    thresholds: dict[str, str] = msgspec.field(default_factory=lambda: {"alert": "sensitivity=0.8"})


_AT_LEAST: dict[str, float] = {"tile": 16, "most": 1, "hidden": 2, "epochs": 1, "patience": 1, "batch": 1}


def options(declared: Mapping[str, object]) -> SlideOptions:
    """The options that [model] declares; `Misconfigured` tells every problem at once."""
    from bedside.pillars.imaging.thresholds import rule

    try:
        said = msgspec.convert(declared, SlideOptions)
    except msgspec.ValidationError as error:
        raise Misconfigured(str(error), where="study.toml, [model]", do="see docs/imaging-2d.md for its keys") from error
    wrong = [f"{name} is below {least:g}" for name, least in _AT_LEAST.items() if getattr(said, name) < least]
    wrong += [f"{name} is not above 0" for name in ("mpp", "learning_rate") if not getattr(said, name) > 0]
    wrong += [f"{name} is not from 0 to below 1" for name in ("tissue", "drop") if not 0 <= getattr(said, name) < 1]
    if wrong:
        raise Misconfigured("; ".join(wrong), where="study.toml, [model]", do="correct these keys")
    for text in said.thresholds.values():
        rule(text)
    return said
