"""Runner "onnx-image": a volume to labels with onnxruntime alone, window by window, one thread, without the pillar.

In        a sealed bundle: model.onnx (window -> logits), preprocess.json (`Preprocess`); voxels and their affine
Out       (classes, ...) probabilities and uint8 labels on the grid that came in; 0 is background, n is the n-th label
Before    axes are turned to (head, back, left), resampled to the spacing of the training, brightness normalised
Windows   of the network's size, overlapping, weighted by a Gaussian of an eighth of the size, as in Isensee et al., Nat Methods
          2021;18:203; a volume smaller than a window is padded with the mean
Elsewhere who trains it: `pillars/imaging/segment`, by the same `prepare`, so that both see the same numbers
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations, product
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import numpy as np

from bedside.bundle.runners.onnx_planes import session
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Misconfigured, Unusable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

NAME, VERSION = "onnx-image", "1"
MODEL, PREPROCESS = "model.onnx", "preprocess.json"
_SAME_SPACING, _LEAST_WEIGHT, _WIDTH = 0.01, 1e-3, 0.125
_MOST_VOXELS = 1 << 29
_FARTHEST_MM, _WIDEST, _BRIGHTEST = 1e3, 1 << 12, 1e12


class Preprocess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """preprocess.json: what happens before and after the network.

    labels       names of the structures, in the order of the network's classes after background
    spacing_mm   head, back, left
    window       voxels that the network reads at once, head, back, left
    brightness   "z-score": less the volume's mean, by its standard deviation; "window": `low` to `high` become 0 to 1
    overlap      share of a window that the next one sees again
    """

    schema: str
    labels: list[str]
    spacing_mm: tuple[float, float, float]
    window: tuple[int, int, int]
    brightness: Literal["z-score", "window"] = "z-score"
    low: float = 0.0
    high: float = 1.0
    overlap: float = 0.5


class Turned(NamedTuple):
    """How a volume was turned and resized, so that an answer finds its way back."""

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    shape: tuple[int, int, int]


class OnnxImage:
    """A sealed model of volumes, ready to answer."""

    def __init__(self, sealed: Sealed) -> None:
        if sealed.manifest.runner != NAME:
            raise Misconfigured(f"this bundle wants the runner {sealed.manifest.runner!r}", where=sealed.where, do=f"open it with that; this is {NAME}")
        self.digest = sealed.digest
        self.preprocess: Preprocess = checked(sealed.record(PREPROCESS, Preprocess), sealed.where)
        self._session = session(sealed.files, where=sealed.where)

    def labels(self, voxels: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[np.uint8]:
        """(slices, rows, columns): the likeliest class of each voxel."""
        return np.asarray(self.probabilities(voxels, affine).argmax(axis=0), dtype=np.uint8)

    def probabilities(self, voxels: NDArray[Any], affine: NDArray[np.float64]) -> Floats:
        """(classes, slices, rows, columns) of a volume and its affine (voxel to mm, LPS)."""
        image, turned = prepare(voxels, affine, self.preprocess)
        return restore(slide(image, self.window, self.preprocess), turned)

    def window(self, windows: Floats) -> Floats:
        """(n, classes, ...) logits of (n, 1, ...) windows."""
        told: Floats = self._session.run(None, {"image": windows})[0]
        return told


def checked(recipe: Preprocess, where: str) -> Preprocess:
    """The recipe, when every number of it is one that can be worked with (nan never is); else `Misconfigured`."""
    sound = {
        "spacing_mm": all(0 < one <= _FARTHEST_MM for one in recipe.spacing_mm), "window": all(0 < one <= _WIDEST for one in recipe.window),
        "low and high": -_BRIGHTEST <= recipe.low < recipe.high <= _BRIGHTEST, "overlap": 0 <= recipe.overlap < 1, "labels": 0 < len(recipe.labels) < 256,
    }  # fmt: skip
    wrong = [name for name, right in sound.items() if not right]
    if wrong:
        raise Misconfigured(f"{', '.join(wrong)} of the preprocessing cannot be", where=f"{where}, {PREPROCESS}", do="train the model again")
    return recipe


def prepare(voxels: NDArray[Any], affine: NDArray[np.float64], recipe: Preprocess) -> tuple[Floats, Turned]:
    """The volume as the network reads it: axes head, back, left, at its spacing, its brightness normalised. `Unusable` for what is empty or vast."""
    turned = turning(voxels.shape, affine)
    straight = _turn(voxels.astype(np.float32), turned)
    mm = np.linalg.norm(affine[:3, :3], axis=0)[list(turned.axes)]
    wanted = [_size(size, have, want) for size, have, want in zip(straight.shape, mm, recipe.spacing_mm, strict=True)]
    if not voxels.size or np.prod(wanted, dtype=np.float64) > _MOST_VOXELS or not np.isfinite(straight).all():
        raise Unusable("a volume that is empty, holds no numbers, or is vast at the model's spacing", where=f"{voxels.shape} voxels",
                       do="look at its spacing, or crop it")  # fmt: skip
    return normalised(resized(straight, wanted), recipe), turned


def prepared_labels(labels: NDArray[np.uint8], affine: NDArray[np.float64], recipe: Preprocess) -> NDArray[np.uint8]:
    """Labels on the grid of `prepare`, for training: of each voxel the label that has most of it."""
    turned = turning(labels.shape, affine)
    straight = _turn(labels, turned)
    mm = np.linalg.norm(affine[:3, :3], axis=0)[list(turned.axes)]
    wanted = [_size(size, have, want) for size, have, want in zip(straight.shape, mm, recipe.spacing_mm, strict=True)]
    if tuple(wanted) == straight.shape:
        return np.asarray(straight, dtype=np.uint8)
    shares = np.stack([resized((straight == label).astype(np.float32), wanted) for label in range(len(recipe.labels) + 1)])
    return np.asarray(shares.argmax(axis=0), dtype=np.uint8)


def restore(probabilities: Floats, turned: Turned) -> Floats:
    """(classes, ...) on the grid of `prepare` back to the grid that came in."""
    straight = tuple(turned.shape[axis] for axis in turned.axes)
    back = np.stack([resized(one, straight) for one in probabilities])
    for axis, flipped in enumerate(turned.flipped):
        back = np.flip(back, axis + 1) if flipped else back
    order = np.argsort(turned.axes)
    return np.ascontiguousarray(back.transpose(0, *(order + 1)))


def normalised(image: Floats, recipe: Preprocess) -> Floats:
    if recipe.brightness == "window":
        return np.asarray((np.clip(image, recipe.low, recipe.high) - recipe.low) / (recipe.high - recipe.low), dtype=np.float32)
    return np.asarray((image - image.mean()) / max(float(image.std()), 1e-6), dtype=np.float32)


def slide(image: Floats, answer: Callable[[Floats], Floats], recipe: Preprocess) -> Floats:
    """(classes, ...) probabilities of an image of any size, from a network that reads windows of one size.

    answer   (1, 1, window) -> (1, classes, window) logits
    """
    room = [max(size - have, 0) for have, size in zip(image.shape, recipe.window, strict=True)]
    padded = np.pad(image, [(pad // 2, pad - pad // 2) for pad in room])
    weight, whole = _weight(recipe.window), np.zeros(padded.shape, np.float32)
    total = np.zeros((len(recipe.labels) + 1, *padded.shape), np.float32)
    for corner in product(*(_starts(have, size, recipe.overlap) for have, size in zip(padded.shape, recipe.window, strict=True))):
        place = tuple(slice(at, at + size) for at, size in zip(corner, recipe.window, strict=True))
        total[(slice(None), *place)] += softmax(answer(padded[place][None, None])[0]) * weight
        whole[place] += weight
    inside = tuple(slice(pad // 2, pad // 2 + have) for pad, have in zip(room, image.shape, strict=True))
    return np.asarray((total / whole)[(slice(None), *inside)], dtype=np.float32)


def softmax(logits: Floats) -> Floats:
    """Over the first axis."""
    raised = np.exp(logits - logits.max(axis=0))
    return np.asarray(raised / raised.sum(axis=0), dtype=np.float32)


def _starts(have: int, size: int, overlap: float) -> list[int]:
    """Where windows begin along one axis: evenly, the last one at the end."""
    count = int(np.ceil((have - size) / max(size * (1 - overlap), 1))) + 1
    return [round(at) for at in np.linspace(0, have - size, count)]


def _weight(window: Sequence[int]) -> Floats:
    """A Gaussian that is 1 in the middle of a window and never nought."""
    axes = [np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / (size * _WIDTH)) ** 2) for size in window]
    return np.asarray(np.maximum(axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :], _LEAST_WEIGHT), dtype=np.float32)


def turning(shape: tuple[int, ...], affine: NDArray[np.float64]) -> Turned:
    """Which axis runs most to the head, to the back, to the left, and which of them runs the other way."""
    cosines = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    world = (2, 1, 0)  # head, back, left are z, y, x of LPS
    axes = max(permutations(range(3)), key=lambda order: sum(abs(cosines[to, axis]) for to, axis in zip(world, order, strict=True)))
    flipped = tuple(bool(cosines[to, axis] < 0) for to, axis in zip(world, axes, strict=True))
    return Turned((axes[0], axes[1], axes[2]), (flipped[0], flipped[1], flipped[2]), (shape[0], shape[1], shape[2]))


def _turn(voxels: NDArray[Any], turned: Turned) -> Any:
    straight = voxels.transpose(turned.axes)
    for axis, flipped in enumerate(turned.flipped):
        straight = np.flip(straight, axis) if flipped else straight
    return straight


def _size(size: int, have: float, want: float) -> int:
    return size if abs(have / want - 1) < _SAME_SPACING else max(1, round(size * have / want))


def resized(image: Floats, shape: Sequence[int]) -> Floats:
    """Linear interpolation to another number of voxels over the same extent, axis by axis.

    >>> resized(np.array([[[0.0, 1.0]]], np.float32), (1, 1, 4)).tolist()
    [[[0.0, 0.25, 0.75, 1.0]]]
    """
    for axis, size in enumerate(shape):
        have = image.shape[axis]
        if have != size:
            at = np.clip((np.arange(size) + 0.5) * have / size - 0.5, 0, have - 1)
            below = np.minimum(at.astype(int), max(have - 2, 0))
            share = (at - below).astype(np.float32).reshape([-1 if one == axis else 1 for one in range(image.ndim)])
            image = image.take(below, axis) * (1 - share) + image.take(np.minimum(below + 1, have - 1), axis) * share
    return np.ascontiguousarray(image, dtype=np.float32)
