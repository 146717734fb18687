"""Text burned into the pixels of DICOM images, painted out.

In        a pydicom data set with pixel data, its person, the desk
Out       the same data set: every text but plain marks (sides, units) is black in every frame that shows it, overlay planes included;
          nothing else of the pixels changes. `Cleaned` says how much, never what.
Checked   what was painted is searched again; what is found then is painted too, and an instance that still shows text is refused
Refuses   pixels that cannot be decoded, are too large, or cannot be read for want of the extra [ocr]: `Malformed`
Standard  DICOM PS3.15 E.3.1 (Clean Pixel Data Option)
Elsewhere frames: `pixels_frames.py`; networks: `pixels_ocr.py`; passes: `pixels_views.py`, `pixels_find.py`; many frames: `pixels_series.py`;
          which text may stay: `pixels_text.py`; parts that are painted unread: `pixels_regions.py`
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from bedside.core.errors import Malformed, Missing
from bedside.deidentify.pixels_find import AGAIN, FIRST, QUICK, Look, Reader, distinct, mask_of
from bedside.deidentify.pixels_frames import DAMAGE, Frames
from bedside.deidentify.pixels_regions import Rule, regions
from bedside.deidentify.pixels_series import Standing, texts_of
from bedside.deidentify.pixels_views import brightness, windows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bedside.deidentify.desk import Desk, Person

    Mask = NDArray[np.bool_]

_ROUNDS = 4
_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_OVERLAYS = range(0x6000, 0x6020, 2)


class Cleaned(msgspec.Struct, frozen=True):
    """What was painted in one instance.

    boxes    texts, and parts that a rule paints unread
    frames   frames in which anything was painted
    area     painted share of the pixels of all frames
    by       kind to number of boxes: NAME, ID, DATE, ... by what they read like, TEXT what is not known to be harmless, "region: <rule>"
    written  the transfer syntax, where the one that came cannot hold pixels without loss
    """

    boxes: int
    frames: int
    area: float
    by: dict[str, int]
    written: str | None = None


def clean(dataset: Any, *, person: Person, desk: Desk, reason: str, where: str, rules: Sequence[Rule] = ()) -> Cleaned | None:
    """Paint out the text in the pixels of an instance, in place; None when it has no pixels.

    reason   why the pixels are read: stands in the error when they cannot be
    rules    parts to paint unread, beside the shipped ones

    Raises `Malformed` when the result could not be trusted; the data set is then not to be used.
    """
    if not any(name in dataset for name in _KEYWORDS):
        return None
    try:
        return _Cleaning(dataset, person, desk, where).run(rules)
    except Missing as error:
        raise Malformed(f"{reason}, and what reads it is missing: {error.what}", where=where, do=error.do) from None
    except DAMAGE as error:
        raise Malformed(f"pixels that cannot be read ({type(error).__name__})", where=where, do="fetch the instance again") from None


class _Paint(NamedTuple):
    """The pixels that one find takes, in the frames that it is in."""

    mask: Mask
    frames: NDArray[np.bool_]


class _Cleaning:
    """One instance being cleaned."""

    def __init__(self, dataset: Any, person: Person, desk: Desk, where: str) -> None:
        self.dataset, self.desk, self.where = dataset, desk, where
        self.reader, self.frames = Reader(person, desk), Frames(dataset, where=where)
        self.painted: list[_Paint] = []
        self.by: Counter[str] = Counter()

    def run(self, rules: Sequence[Rule]) -> Cleaned:
        if self.frames.clear_unused_bits():
            self.desk.actions["pixels: bits beside the stored ones cleared"] += 1
        self._overlays()
        self._regions(rules)
        self._paint(self._found())
        for _ in range(_ROUNDS):
            left = self._left()
            if not left:
                return self._told()
            self._paint(left)
        raise Malformed("text is still found after it was painted", where=self.where, do="have the pixels cleaned by hand")

    def _lights(self) -> Iterator[Any]:
        frames = self.frames
        return (brightness(values, frames.told, frames.stored, self.dataset) for values in frames)

    def _found(self) -> list[Standing]:
        if self.frames.number > 1:
            return texts_of(self._lights, self.frames.number, self.reader)
        return self._in_one(FIRST)

    def _left(self) -> list[Standing]:
        """What a second, quicker look at the painted frames finds: all of them laid over each other where they are many."""
        if self.frames.number == 1:
            return self._in_one(AGAIN)
        every = np.ones(self.frames.number, bool)
        found = [text for layer in self._layers() for text in self.reader.texts(layer, look=AGAIN)]
        return [Standing(text, mask_of(text.quads, self._shape), every) for text in distinct(found)]

    def _layers(self) -> tuple[Any, Any]:
        brightest = darkest = None
        for light in self._lights():
            brightest = light if brightest is None else np.maximum(brightest, light)
            darkest = light if darkest is None else np.minimum(darkest, light)
        return brightest, darkest

    def _in_one(self, look: Look) -> list[Standing]:
        light = next(iter(self._lights()))
        windows = windows_of(self.dataset) if self.frames.told == "MONOCHROME2" else []
        texts = self.reader.texts(light, windows, look=look)
        return [Standing(text, mask_of(text.quads, self._shape), np.ones(1, bool)) for text in texts]

    @property
    def _shape(self) -> tuple[int, int]:
        return self.frames.rows, self.frames.columns

    def _regions(self, rules: Sequence[Rule]) -> None:
        parts = regions(self.dataset, self._shape, rules)
        for name, mask in parts:
            self.by[f"region: {name}"] += 1
            self.painted.append(_Paint(mask, np.ones(self.frames.number, bool)))
        if parts:
            self.frames.paint(lambda _: np.logical_or.reduce([mask for _, mask in parts]))

    def _paint(self, found: Sequence[Standing]) -> None:
        new = [_Paint(one.mask, one.frames) for one in found]
        self.by.update(text.kind for text in distinct([one.text for one in found]))
        self.painted += new
        if new:
            self.frames.paint(lambda index: _joined(new, index))

    def _told(self) -> Cleaned:
        shares = [float(mask.mean()) for index in range(self.frames.number) if (mask := _joined(self.painted, index)) is not None]
        self._range()
        for kind, number in self.by.items():
            self.desk.actions[f"pixels: {kind}"] += number
        if self.frames.written:
            self.desk.actions[f"pixels: written as {self.frames.written}"] += 1
        share = sum(shares) / self.frames.number
        return Cleaned(sum(self.by.values()), len(shares), share, dict(sorted(self.by.items())), self.frames.written)

    def _range(self) -> None:
        """Smallest and largest pixel value (0028,0106) and (0028,0107), where the header told them and they were painted over."""
        if not self.painted or self.frames.samples > 1:
            return
        for name, of, best in (("SmallestImagePixelValue", np.min, min), ("LargestImagePixelValue", np.max, max)):
            if self.dataset.get(name) is not None:
                setattr(self.dataset, name, best(int(of(values)) for values in self.frames))

    # --- overlays ---

    def _overlays(self) -> None:
        """Texts in overlay planes that are still there (PS3.3 C.9.2): their bits are cleared."""
        for group in _OVERLAYS:
            data, rows, columns = (self.dataset.get((group, element)) for element in (0x3000, 0x0010, 0x0011))
            if data is not None and rows is not None and columns is not None:
                self._overlay(data, int(rows.value), int(columns.value))

    def _overlay(self, data: Any, rows: int, columns: int) -> None:
        pixels = rows * columns
        bits = np.unpackbits(np.frombuffer(data.value, np.uint8), bitorder="little")
        if pixels < 1 or len(bits) < pixels:
            raise Malformed("an overlay plane is shorter than its header says", where=self.where, do="remove the overlay at the source")
        for start in range(0, len(bits) // pixels * pixels, pixels):
            plane = bits[start : start + pixels].reshape(rows, columns)
            texts = self.reader.texts(plane.astype(np.float32) * 255, look=QUICK)
            plane[mask_of([quad for text in texts for quad in text.quads], (rows, columns))] = 0
            self.by.update(f"overlay: {text.kind}" for text in texts)
        data.value = np.packbits(bits, bitorder="little").tobytes()


def _joined(paints: Sequence[_Paint], index: int) -> Mask | None:
    masks = [one.mask for one in paints if one.frames[index]]
    return np.logical_or.reduce(masks) if masks else None
