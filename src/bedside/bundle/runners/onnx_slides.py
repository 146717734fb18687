"""Runner "onnx-slides": the tiles of a slide to one answer, and how much each tile had to say in it; or to one answer a tile.

In        a sealed bundle: model.onnx (tiles -> answer, attention; of head "tile": answer), slides.json (`Slides`), beside.json (`onnx_planes.Beside`)
Out       logits of a slide, attention of each of its tiles (they sum to 1); findings or a grade, as in `onnx_planes`;
          of head "tile" logits of each tile
Method    attention-based multiple-instance learning: Ilse, Tomczak & Welling, ICML 2018, equation 9 (gated attention)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from bedside.bundle.calibration import Calibration
from bedside.bundle.runners.onnx_planes import BESIDE, Beside, session
from bedside.bundle.runners.tiles import NAMES, embed
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Misconfigured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

NAME, VERSION = "onnx-slides", "1"
SLIDES = "slides.json"


class Slides(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """slides.json: how a slide is cut, and what happens before and after the network.

    tile, mpp, tissue   side in pixels at the level nearest to `mpp` micrometres a pixel; share of tissue that a tile must have
    centre, scale       of each of the tiles' numbers (`tiles.NAMES`): the network reads (number - centre) / scale
    """

    schema: str
    head: Literal["classify", "grade", "tile"]
    tile: int
    mpp: float
    tissue: float
    most: int
    names: list[str]
    centre: list[float]
    scale: list[float]
    targets: list[str]
    steps: int = 0
    calibration: dict[str, Calibration] = {}


class OnnxSlides:
    """A model of slides, ready to answer. `OnnxSlides.open` for a sealed one."""

    def __init__(self, slides: Slides, beside: Beside, files: Mapping[str, bytes], *, digest: str = "", where: str = "a model not yet sealed") -> None:
        if tuple(slides.names) != NAMES:
            raise Misconfigured("this version reads other numbers off a tile than the model was fitted on", where=where,
                                do="open it with the version of bedside that sealed it")  # fmt: skip
        self.slides, self.beside, self.digest = slides, beside, digest
        self._session = session(files, where=where)

    @classmethod
    def open(cls, sealed: Sealed) -> OnnxSlides:
        """The model in a sealed folder; `Misconfigured` for one of another runner."""
        if sealed.manifest.runner != NAME:
            raise Misconfigured(f"this bundle wants the runner {sealed.manifest.runner!r}", where=sealed.where, do=f"open it with that; this is {NAME}")
        return cls(sealed.record(SLIDES, Slides), sealed.record(BESIDE, Beside), sealed.files, digest=sealed.digest, where=sealed.where)

    def tiles(self, tiles: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Logits and attention of a slide from its tiles' pixels (n, tile, tile, 3)."""
        return self.numbers(embed(tiles))

    def numbers(self, told: Floats) -> tuple[Floats, Floats]:
        """Logits (answers,) and attention (n,) of a slide from its tiles' numbers (n, 22)."""
        if self.slides.head == "tile":
            raise Misconfigured("this model answers for tiles, not for slides", where="slides.json, head", do="ask it with `each`")
        answer, attention = self._session.run(None, {"tiles": self._standard(told)})
        return answer[0], attention

    def each(self, told: Floats) -> Floats:
        """Logits (n, answers) of tiles, one by one, from their numbers (n, 22)."""
        if self.slides.head != "tile":
            raise Misconfigured("this model answers for slides, not for tiles", where="slides.json, head", do="ask it with `numbers` or `tiles`")
        return np.asarray(self._session.run(None, {"tiles": self._standard(told)})[0])

    def _standard(self, told: Floats) -> Floats:
        return ((told - np.array(self.slides.centre, np.float32)) / np.array(self.slides.scale, np.float32)).astype(np.float32)
