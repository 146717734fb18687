"""Fit a network on images in memory, the same to the bit on the same machine: one thread, one seed, the best epoch on the tune split.

In        a torch module, images as uint16 (brightness 0..1 in 65535 steps), what they should say, a loss
Out       the module with the weights of the epoch whose loss on the tune split was least; ONNX bytes that say the same
Source    AdamW: Loshchilov & Hutter, ICLR 2019; the rate falls along half a cosine: Loshchilov & Hutter, ICLR 2017
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Unusable
from bedside.core.lazy import need
from bedside.pillars.imaging.planes.options import PlaneOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FULL = 65535.0
OPSET = 17
_SHIFT, _BRIGHTER = 0.06, 0.2
Loss = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Lesson:
    """Images and what they should say.

    images   (n, channels, size, size) uint16
    wanted   (n, ...) float32, what the loss compares the answers with; nan where nothing is known
    train, tune   rows of either
    """

    images: NDArray[np.uint16]
    wanted: Floats
    train: NDArray[np.int64]
    tune: NDArray[np.int64]

    @cached_property
    def scale(self) -> tuple[float, float]:
        """Mean and standard deviation of the training images' brightness."""
        seen = self.images[self.train].astype(np.float64) / FULL
        return float(seen.mean()), float(seen.std()) or 1.0


@contextmanager
def steady(seed: int, threads: int) -> Iterator[Any]:
    """Torch on so many threads, from one seed, without anything that comes out otherwise the next time; then as it was."""
    torch = need("torch", extra="imaging")
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    try:
        yield torch
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        torch.set_rng_state(before[2])


def fit(torch: Any, net: Any, lesson: Lesson, loss: Loss, options: PlaneOptions, *, seed: int) -> dict[str, object]:
    """Train in place; returns what a card says of it. Within `steady`."""
    if not len(lesson.train):
        raise Unusable("there is no image to train on", where="the train split", do="see task.split and the cohort's flow")
    draw, (mean, deviation) = np.random.default_rng(seed), lesson.scale
    turns = options.epochs * max(1, len(lesson.train) // options.batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, turns)
    best, kept, waited, epoch, better = np.inf, _weights(net), 0, 0, 0
    watched = lesson.tune if len(lesson.tune) else lesson.train
    for epoch in range(1, options.epochs + 1):
        net.train()
        for rows in _batches(lesson.train, options.batch, draw):
            images, wanted = _changed(_told(lesson.images[rows], mean, deviation), lesson.wanted[rows], options, draw)
            optimiser.zero_grad()
            loss(net(torch.from_numpy(images)), torch.from_numpy(wanted)).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            falling.step()
        now = _loss(torch, net, lesson, watched, loss, options)
        best, kept, waited, better = (now, _weights(net), 0, epoch) if now < best else (best, kept, waited + 1, better)
        if waited >= options.patience:
            break
    if not better:
        raise Unusable("training came apart: the loss was never a number", where="[model]", do="lower learning_rate, or look at the images")
    net.load_state_dict(kept)
    net.eval()
    return {"epochs": epoch, "best_epoch": better, "loss_on_tune": round(float(best), 6), "weights": sum(p.numel() for p in net.parameters()),
            "training_images": len(lesson.train), "tune_images": len(lesson.tune)}  # fmt: skip


def onnx(torch: Any, net: Any, shape: tuple[int, ...], *, names: tuple[str, str] = ("image", "answer")) -> bytes:
    """The network as ONNX, for any number of images of that shape."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter without further libraries is the older one, and says so
        torch.onnx.export(net, (torch.zeros(2, *shape),), stream, input_names=[names[0]], output_names=[names[1]], opset_version=OPSET,
                          dynamic_axes={names[0]: {0: "n"}, names[1]: {0: "n"}}, dynamo=False)  # fmt: skip
    return stream.getvalue()


def _weights(net: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _told(images: NDArray[np.uint16], mean: float, deviation: float) -> Floats:
    return (images.astype(np.float32) / np.float32(FULL) - np.float32(mean)) / np.float32(deviation)


def _batches(rows: NDArray[np.int64], size: int, draw: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """The rows in a new order; a last batch of one is left out, since a batch norm cannot use it."""
    mixed = draw.permutation(rows)
    parts = [mixed[at : at + size] for at in range(0, len(mixed), size)]
    yield from (part for part in parts if len(part) > 1 or len(parts) == 1)


def _loss(torch: Any, net: Any, lesson: Lesson, rows: NDArray[np.int64], loss: Loss, options: PlaneOptions) -> float:
    mean, deviation = lesson.scale
    net.eval()
    with torch.no_grad():
        parts = [rows[at : at + 4 * options.batch] for at in range(0, len(rows), 4 * options.batch)]
        said = [float(loss(net(torch.from_numpy(_told(lesson.images[part], mean, deviation))), torch.from_numpy(lesson.wanted[part]))) * len(part)
                for part in parts]  # fmt: skip
    return sum(said) / len(rows)


def _changed(images: Floats, wanted: Floats, options: PlaneOptions, draw: np.random.Generator) -> tuple[Floats, Floats]:
    """Each image with its map (if it has one) flipped, moved or made brighter by chance."""
    images, wanted = images.copy(), wanted.copy()
    maps = wanted.ndim == images.ndim
    for place in range(len(images)):
        for change, axis in (("flip-left-right", -1), ("flip-up-down", -2)):
            if change in options.changes and draw.random() < 0.5:
                images[place] = np.flip(images[place], axis)
                wanted[place] = np.flip(wanted[place], axis) if maps else wanted[place]
        if "shift" in options.changes:
            stride = images.shape[-1] // wanted.shape[-1] if maps else 1
            most = max(1, round(_SHIFT * images.shape[-1] / stride))
            down, right = (int(step) for step in draw.integers(-most, most + 1, 2))
            images[place] = _moved(images[place], down * stride, right * stride)
            wanted[place] = _moved(wanted[place], down, right, empty=0.0) if maps else wanted[place]
        if "brightness" in options.changes:
            images[place] = images[place] * np.float32(1 + draw.uniform(-_BRIGHTER, _BRIGHTER)) + np.float32(draw.uniform(-_BRIGHTER, _BRIGHTER))
    return images, wanted


def _moved(layers: Floats, down: int, right: int, *, empty: float | None = None) -> Floats:
    """Layers moved by whole pixels; what comes in is the layer's darkest value, or `empty`."""
    rows, columns = layers.shape[-2:]
    moved = np.broadcast_to(layers.min(axis=(-2, -1), keepdims=True) if empty is None else np.float32(empty), layers.shape).copy()
    moved[..., max(down, 0) : rows + min(down, 0), max(right, 0) : columns + min(right, 0)] = layers[
        ..., max(-down, 0) : rows + min(-down, 0), max(-right, 0) : columns + min(-right, 0)]  # fmt: skip
    return moved
