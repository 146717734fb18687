"""Where text stands in a picture, and what it reads: the detection and recognition networks that RapidOCR carries in its wheel.

In        (rows, columns, 3) uint8, one view of an image
Out       `Found`: rotated boxes in pixels of the image, each with how sure the network is of it; `read`: their words
Networks  PP-OCRv4 mobile, detection by differentiable binarisation (Liao et al., AAAI 2020) and recognition by CTC; Apache-2.0.
          They run on one thread, offline, and give the same answer to the same picture.
Refuses   to work without the extra [ocr]: `Missing`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.core.errors import Missing
from bedside.core.lazy import need

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Quad = NDArray[np.float32]

_DETECTION, _RECOGNITION = "ch_PP-OCRv4_det_infer.onnx", "ch_PP-OCRv4_rec_infer.onnx"
_STRIDE, _LINE, _WIDEST = 32, 48, 1600  # of the networks: sides are multiples of 32, a line of text is 48 pixels high
_THRESHOLD, _GROWN, _THINNEST = 0.25, 1.8, 3.0
"""A pixel belongs to the kernel of a text from here on (the authors take 0.3), a kernel grows by this ratio, thinner ones are none."""
_BATCH = 8


class Found(NamedTuple):
    """A rotated box, (4, 2) float32 of (x, y) from the top left clockwise, and the mean of the network's map in it, 0 to 1."""

    quad: Quad
    score: float


class Networks:
    """Both networks, loaded once a process. Get them with `networks`."""

    def __init__(self) -> None:
        runtime, self.cv = need("onnxruntime", extra="ocr"), vision()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        where = _models()
        self._detect, self._recognise = (
            runtime.InferenceSession(str(where / name), sess_options=options, providers=["CPUExecutionProvider"])
            for name in (_DETECTION, _RECOGNITION)
        )
        listed = self._recognise.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._letters = ["", *listed, " "]

    def find(self, picture: Picture, *, scale: float, least: float) -> list[Found]:
        """Boxes of text in a picture enlarged by `scale`, of which the network is at least so sure."""
        rows, columns = picture.shape[:2]
        height, width = (max(_STRIDE, round(side * scale / _STRIDE) * _STRIDE) for side in (rows, columns))
        how = self.cv.INTER_CUBIC if scale > 1 else self.cv.INTER_AREA
        enlarged = picture if (height, width) == (rows, columns) else self.cv.resize(picture, (width, height), interpolation=how)
        batch = (enlarged.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
        sure = self._detect.run(None, {self._detect.get_inputs()[0].name: batch})[0][0, 0]
        back = np.array([columns / width, rows / height], np.float32)
        return [Found(quad * back, score) for quad, score in self._boxes(sure, least)]

    def _boxes(self, sure: NDArray[np.float32], least: float) -> list[tuple[Quad, float]]:
        kernel = (sure > _THRESHOLD).astype(np.uint8)
        outlines, _ = self.cv.findContours(kernel, self.cv.RETR_EXTERNAL, self.cv.CHAIN_APPROX_SIMPLE)
        found = []
        for outline in outlines:
            centre, (across, down), angle = self.cv.minAreaRect(outline)
            if min(across, down) < _THINNEST:
                continue
            score = self._score(sure, outline)
            if score >= least:
                # The map holds texts shrunk; the distance to grow back is area x ratio / perimeter (Liao et al., equation 10).
                grown = across * down * _GROWN / (across + down)
                found.append((_clockwise(self.cv.boxPoints((centre, (across + grown, down + grown), angle))), score))
        return found

    def _score(self, sure: NDArray[np.float32], outline: NDArray[np.int32]) -> float:
        left, top, width, height = self.cv.boundingRect(outline)
        mask = np.zeros((height, width), np.uint8)
        self.cv.fillPoly(mask, [outline - [left, top]], 1)
        return float(self.cv.mean(sure[top : top + height, left : left + width], mask)[0])

    def read(self, picture: Picture, quads: Sequence[Quad]) -> list[tuple[str, float]]:
        """What stands in each box and how sure the network is, the better of both ways up."""
        lines = [line for quad in quads for line in _both_ways(self._line(picture, quad))]
        said = [("", 0.0)] * len(lines)
        order = sorted(range(len(lines)), key=lambda at: lines[at].shape[1])
        for start in range(0, len(order), _BATCH):
            some = order[start : start + _BATCH]
            for at, one in zip(some, self._decode([lines[at] for at in some]), strict=True):
                said[at] = one
        return [max(said[at : at + 2], key=lambda one: one[1]) for at in range(0, len(said), 2)]

    def _line(self, picture: Picture, quad: Quad) -> Picture:
        """The box set upright, 48 pixels high."""
        width, height = (max(1.0, float(np.linalg.norm(quad[0] - quad[other]))) for other in (1, 3))
        if height > 1.5 * width:
            quad, width, height = np.roll(quad, 1, axis=0), height, width
        wide = int(min(_WIDEST, max(8, round(width * _LINE / height))))
        target = np.array([[0, 0], [wide, 0], [wide, _LINE], [0, _LINE]], np.float32)
        turn = self.cv.getPerspectiveTransform(np.ascontiguousarray(quad, np.float32), target)
        line: Picture = self.cv.warpPerspective(picture, turn, (wide, _LINE), flags=self.cv.INTER_CUBIC, borderMode=self.cv.BORDER_REPLICATE)
        return line

    def _decode(self, lines: Sequence[Picture]) -> list[tuple[str, float]]:
        """CTC without search: the likeliest letter at each step, repeats and blanks gone."""
        wide = max(96, *(line.shape[1] for line in lines))
        batch = np.zeros((len(lines), 3, _LINE, wide), np.float32)
        for at, line in enumerate(lines):
            batch[at, :, :, : line.shape[1]] = (line.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)
        steps = self._recognise.run(None, {self._recognise.get_inputs()[0].name: batch})[0]
        found = []
        for best, sure in zip(steps.argmax(2), steps.max(2), strict=True):
            kept = (best > 0) & np.concatenate([[True], best[1:] != best[:-1]])
            text = "".join(self._letters[letter] for letter in best[kept])
            found.append((text, float(sure[kept].mean()) if kept.any() else 0.0))
        return found


def _both_ways(line: Picture) -> tuple[Picture, Picture]:
    return line, np.ascontiguousarray(line[::-1, ::-1])


def _clockwise(corners: Quad) -> Quad:
    """Corners from the top left clockwise: the two leftmost are the left side."""
    across = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = across[:2], across[2:]
    left, right = left[np.argsort(left[:, 1], kind="stable")], right[np.argsort(right[:, 1], kind="stable")]
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


@lru_cache(maxsize=1)
def networks() -> Networks:
    """The networks of this process. Raises `Missing`."""
    return Networks()


@lru_cache(maxsize=1)
def vision() -> Any:
    """OpenCV on one thread. Raises `Missing`, also when the system lacks a library that it links to."""
    try:
        cv = need("cv2", extra="ocr")
    except ImportError as error:
        raise Missing(
            f"OpenCV does not load: {error}", where="extra [ocr]", do="apt-get install libgl1 libglib2.0-0, or pip install opencv-python-headless"
        ) from error
    cv.setNumThreads(1)
    cv.ocl.setUseOpenCL(False)
    return cv


def _models() -> Path:
    """Where the networks lie. Their package is not imported: it sets up logging and more that is not needed."""
    spec = find_spec("rapidocr_onnxruntime")
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise Missing("rapidocr_onnxruntime is not installed", where="extra [ocr]", do="pip install 'bedside[ocr]'")
    return Path(places[0]) / "models"
