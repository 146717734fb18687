"""One slide, DICOM or TIFF, by level and place: a thin front on wsidicom and tiffslide.

In        the files of a slide: DICOM instances (one a level), or one TIFF pyramid
Out       `Slide`: size of each level, micrometres a pixel, regions as (rows, columns, 3) uint8
Raises    `Malformed` for what is no slide, cannot be decoded or has no scale
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Malformed
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIFF = (".tif", ".tiff", ".svs", ".ndpi", ".scn")
_BLOCK = 512
_DO = "fetch the slide again, or convert it anew"


@dataclass(frozen=True)
class Level:
    """One level of the pyramid. `number`: what the library calls it; `down`: how many pixels of level 0 are one of its own, across."""

    number: int
    columns: int
    rows: int
    down: float
    mpp: float


class Slide:
    """An open slide. Get one with `opened`."""

    def __init__(self, reader: Any, levels: Sequence[Level], kind: str) -> None:
        self._reader, self.levels, self.kind = reader, tuple(levels), kind

    def near(self, mpp: float) -> Level:
        """The level whose pixels are nearest to `mpp` micrometres, by ratio."""
        return min(self.levels, key=lambda level: (abs(np.log(level.mpp / mpp)), level.number))

    def read(self, level: Level, column: int, row: int, columns: int, rows: int) -> NDArray[np.uint8]:
        """A region; column and row in pixels of that level. What lies outside the slide is white."""
        whole = np.full((rows, columns, 3), 255, np.uint8)
        wide, high = min(columns, level.columns - column), min(rows, level.rows - row)
        if wide > 0 and high > 0:
            whole[:high, :wide] = self._region(level, column, row, wide, high)
        return whole

    def thumbnail(self, longest: int) -> NDArray[np.uint8]:
        """All of the slide, small: the smallest level that still has `longest` pixels on its longer side, thinned out to less than four times that.

        Read in blocks, so that a slide of one level alone fits into memory too.
        """
        enough = [level for level in self.levels if max(level.columns, level.rows) >= longest]
        level = min(enough or [self.levels[0]], key=lambda one: one.columns)
        step = max(1, max(level.columns, level.rows) // (2 * longest))
        block, picture = step * _BLOCK, np.full((-(-level.rows // step), -(-level.columns // step), 3), 255, np.uint8)
        for row in range(0, level.rows, block):
            for column in range(0, level.columns, block):
                part = self.read(level, column, row, min(block, level.columns - column), min(block, level.rows - row))[::step, ::step]
                picture[row // step : row // step + len(part), column // step : column // step + part.shape[1]] = part
        return picture

    def _region(self, level: Level, column: int, row: int, columns: int, rows: int) -> Any:
        try:
            if self.kind == "dicom":
                return np.asarray(self._reader.read_region((column, row), level.number, (columns, rows)).convert("RGB"))
            corner = (round(column * level.down), round(row * level.down))  # tiffslide counts in pixels of level 0
            return np.asarray(self._reader.read_region(corner, level.number, (columns, rows), as_array=True))[..., :3]
        except Exception as error:
            raise Malformed(f"a tile that cannot be decoded ({type(error).__name__})", where="a slide", do=_DO) from error


@contextmanager
def opened(paths: Sequence[Path]) -> Iterator[Slide]:
    """The slide in these files. Raises `Malformed`."""
    tiff = len(paths) == 1 and paths[0].suffix.lower() in TIFF
    reader = _reader(paths, tiff)
    try:
        yield Slide(reader, _measured(reader, tiff), "tiff" if tiff else "dicom")
    finally:
        reader.close()


def _measured(reader: Any, tiff: bool) -> list[Level]:
    try:
        return _tiff_levels(reader) if tiff else _dicom_levels(reader)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise Malformed(f"a slide whose levels cannot be measured ({type(error).__name__})", where="a slide", do=_DO) from error


def _reader(paths: Sequence[Path], tiff: bool) -> Any:
    library = need("tiffslide" if tiff else "wsidicom", extra="imaging")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return library.TiffSlide(paths[0]) if tiff else library.WsiDicom.open([str(path) for path in paths])
    except Exception as error:
        raise Malformed(f"not a whole slide that can be opened ({type(error).__name__})", where="a slide", do=_DO) from error


def _dicom_levels(reader: Any) -> list[Level]:
    found = [(one.level, one.size.width, one.size.height, one.mpp.width) for one in reader.levels]
    return _levels([(number, columns, rows, float(mpp)) for number, columns, rows, mpp in found])


def _tiff_levels(reader: Any) -> list[Level]:
    base = reader.properties.get("tiffslide.mpp-x")
    if base is None:
        raise Malformed("a slide without a scale", where="a slide", do="write the micrometres a pixel into its resolution tags")
    return _levels([(number, columns, rows, float(base) * down) for number, ((columns, rows), down)
                    in enumerate(zip(reader.level_dimensions, reader.level_downsamples, strict=True))])  # fmt: skip


def _levels(found: list[tuple[int, int, int, float]]) -> list[Level]:
    if not found or not all(np.isfinite(mpp) and mpp > 0 for *_, mpp in found):
        raise Malformed("a slide without a scale", where="a slide", do=_DO)
    return [Level(number, columns, rows, found[0][1] / columns, mpp) for number, columns, rows, mpp in found]
