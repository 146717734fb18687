"""Runner "onnx-planes": 2-D images to findings, grades or lesions with onnxruntime alone, one thread, without the pillar.

In        a sealed bundle: model.onnx (image -> answer), planes.json (`Planes`), beside.json (`Beside`)
Out       logits of a batch; `findings`, `grades`, `lesions` of them, calibrated and in the image's own pixels
classify  logits (n, targets), one a finding
grade     logits (n, grades - 1), falling: that the grade is above 0, above 1, ...; the grade is how many are more likely than not
detect    logits (n, targets, size / stride, size / stride): that a lesion's centre lies there; its peaks are the lesions
Source    grade: Cao et al., Pattern Recognit Lett 2020;140:325 (CORAL). detect: Zhou et al., arXiv:1904.07850 (objects as points).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import numpy as np

from bedside.bundle.calibration import Calibration, logistic
from bedside.bundle.runners import plane
from bedside.bundle.runners.logistic import Coefficients
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Malformed, Misconfigured
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

NAME, VERSION = "onnx-planes", "1"
MODEL, PLANES, BESIDE = "model.onnx", "planes.json", "beside.json"
MOST = 32
"""Lesions that are kept of one image and target, the surest first."""
_BATCH = 32


class Planes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """planes.json: what happens before and after the network.

    mean, deviation   of the training images' brightness: the network reads (brightness - mean) / deviation
    targets           of classify and detect, in the order of the network's answers
    steps             of grade: how many grades there are, less one
    apart, floor      of detect: peaks nearer than `apart` pixels of the square are one, and below `floor` none
    views             which projections it was trained on
    """

    schema: str
    head: Literal["classify", "grade", "detect"]
    size: int
    channels: int
    mean: float
    deviation: float
    targets: list[str]
    steps: int = 0
    stride: int = 1
    apart: float = 0.0
    floor: float = 0.0
    views: str = "any"
    calibration: dict[str, Calibration] = {}


class Beside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """beside.json: what stands beside the model, of each target: the share or value of all, and a regression on brightness and size;
    for detect, how large and how bright the spots are that a blob detector looks for (`spots`)."""

    schema: str
    base: dict[str, float] = {}
    intensity: dict[str, Coefficients] = {}
    columns: list[str] = []
    spots: dict[str, float] = {}


class Lesion(NamedTuple):
    """One thing found: its centre in pixels of the image (x to the right, y down, from 0), and how sure."""

    x: float
    y: float
    score: float


class OnnxPlanes:
    """A model of 2-D images, ready to answer. `OnnxPlanes.open` for a sealed one."""

    def __init__(self, planes: Planes, beside: Beside, files: Mapping[str, bytes], *, digest: str = "", where: str = "a model not yet sealed") -> None:
        self.planes, self.beside, self.digest = planes, beside, digest
        self._session = session(files, where=where)

    @classmethod
    def open(cls, sealed: Sealed) -> OnnxPlanes:
        """The model in a sealed folder; `Misconfigured` for one of another runner."""
        if sealed.manifest.runner != NAME:
            raise Misconfigured(f"this bundle wants the runner {sealed.manifest.runner!r}", where=sealed.where, do=f"open it with that; this is {NAME}")
        return cls(sealed.record(PLANES, Planes), sealed.record(BESIDE, Beside), sealed.files, digest=sealed.digest, where=sealed.where)

    def prepare(self, image: Floats) -> plane.Fitted:
        """An image (`plane.read`) in the network's square, brightness still 0 to 1."""
        return plane.fit(image, self.planes.size, self.planes.channels)

    def logits(self, squares: Floats) -> Floats:
        """The network's answers for (n, channels, size, size) of brightness 0 to 1."""
        told = (squares.astype(np.float32) - np.float32(self.planes.mean)) / np.float32(self.planes.deviation)
        parts = [self._session.run(None, {"image": told[at : at + _BATCH]})[0] for at in range(0, len(told), _BATCH)]
        return np.concatenate(parts)

    def findings(self, logits: Floats) -> dict[str, NDArray[np.float64]]:
        """Of each target the probability in each image."""
        return {name: risk(logits[:, place], self.planes.calibration.get(name)) for place, name in enumerate(self.planes.targets)}

    def grades(self, logits: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The grade of each image, and (n, steps) the probability that it is above 0, above 1, ..."""
        above = logistic(logits.astype(np.float64))
        return (above >= 0.5).sum(axis=1).astype(np.float64), above

    def lesions(self, logits: Floats, fitted: plane.Fitted) -> dict[str, list[Lesion]]:
        """Of each target the lesions of one image; logits (targets, size / stride, size / stride)."""
        said = self.planes
        return {name: [Lesion(*fitted.back(x, y), score) for x, y, score in peaks(logits[place], stride=said.stride, apart=said.apart, floor=said.floor)]
                for place, name in enumerate(said.targets)}  # fmt: skip


def session(files: Mapping[str, bytes], *, where: str) -> Any:
    """The network, on one thread."""
    onnxruntime = need("onnxruntime", extra="imaging")
    wanted = onnxruntime.SessionOptions()
    wanted.intra_op_num_threads = wanted.inter_op_num_threads = 1
    wanted.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(files[MODEL], wanted, providers=["CPUExecutionProvider"])
    except (KeyError, RuntimeError) as error:
        raise Malformed("model.onnx is absent or no network", where=where, do="seal the bundle again") from error
    except Exception as error:  # onnxruntime's own errors have no common parent
        if type(error).__module__.startswith("onnxruntime"):
            raise Malformed("model.onnx is no network", where=where, do="seal the bundle again") from error
        raise


def risk(logits: Sequence[float] | Floats, calibration: Calibration | None) -> NDArray[np.float64]:
    margin = np.asarray(logits, np.float64)
    return calibration(margin) if calibration else logistic(margin)


def peaks(logits: Floats, *, stride: int, apart: float, floor: float) -> list[tuple[float, float, float]]:
    """Highest points of a map as (x, y, probability) in pixels of the square, the surest first, none nearer than `apart` to a surer one."""
    heat = logistic(logits.astype(np.float64))
    around = np.pad(heat, 1, constant_values=-1.0)
    rows, columns = heat.shape
    nine = np.stack([around[down : down + rows, right : right + columns] for down in range(3) for right in range(3)])
    ys, xs = np.nonzero((heat >= nine.max(axis=0)) & (heat >= floor))
    kept: list[tuple[float, float, float]] = []
    for place in np.argsort(-heat[ys, xs], kind="stable"):
        y, x = int(ys[place]), int(xs[place])
        weight = np.clip(nine[:, y, x], 0, None).reshape(3, 3)
        spot = (x + float((weight.sum(0) * (-1, 0, 1)).sum() / weight.sum()), y + float((weight.sum(1) * (-1, 0, 1)).sum() / weight.sum()))
        at = tuple((value + 0.5) * stride - 0.5 for value in spot)
        if all((at[0] - other[0]) ** 2 + (at[1] - other[1]) ** 2 >= apart**2 for other in kept):
            kept.append((at[0], at[1], float(heat[y, x])))
        if len(kept) == MOST:
            break
    return kept
