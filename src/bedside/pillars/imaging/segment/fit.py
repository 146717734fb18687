"""A network learns to segment: windows drawn from prepared volumes, changed at random, Dice and cross-entropy, the best state kept.

In        cases (image and labels on the model's grid) of the train and the tune split
Out       the network in the state that did best on the tune split, and how it came there
Repeats   one thread, one seed: the same weights to the bit on the same machine
Source    loss: Dice + cross-entropy as in Isensee et al., Nat Methods 2021;18:203
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from bedside.bundle.runners.onnx_image import Preprocess, slide
from bedside.core.errors import Unusable
from bedside.core.lazy import need
from bedside.core.progress import track
from bedside.pillars.imaging.segment.network import network
from bedside.pillars.imaging.segment.options import SegmentOptions
from bedside.pillars.imaging.segment.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Case(NamedTuple):
    """One volume on the model's grid: image float32, labels uint8, of one shape."""

    unit_id: str
    image: NDArray[np.float32]
    labels: NDArray[np.uint8]


class Watched(msgspec.Struct, frozen=True):
    """A look at the tune split: after how many steps, the mean Dice over structures and volumes, the mean training loss since."""

    step: int
    dice: float
    loss: float


class Learned(NamedTuple):
    """The network, and every look at the tune split."""

    net: Any
    watched: list[Watched]


def learn(train: Sequence[Case], tune: Sequence[Case], recipe: Preprocess, options: SegmentOptions, *, seed: int) -> Learned:
    """Fit on `train`, choose the state by `tune` (by the last step when it is empty)."""
    torch = need("torch", extra="imaging")
    with _threads(torch, options.threads):
        net = network(options, len(recipe.labels) + 1, seed=seed)
        optimiser = torch.optim.AdamW(net.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, options))
        draw, best, watched, losses = Windows(train, options, seed=seed), copy.deepcopy(net.state_dict()), list[Watched](), list[float]()
        for step in track(range(1, options.steps + 1), "train"):
            losses.append(_step(torch, net, optimiser, *draw.batch()))
            if not math.isfinite(losses[-1]):
                raise Unusable(f"training came apart at step {step}: the loss is no number", where="[model]", do="lower learning_rate, or raise warm_up")
            schedule.step()
            if step % options.watch == 0 or step == options.steps:
                watched.append(Watched(step, tune_dice(net, tune, recipe), float(np.mean(losses))))
                losses.clear()
                if not tune or watched[-1].dice >= max(one.dice for one in watched):
                    best = copy.deepcopy(net.state_dict())
        net.load_state_dict(best)
        net.eval()
    return Learned(net, watched)


def _step(torch: Any, net: Any, optimiser: Any, images: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    net.train()
    optimiser.zero_grad()
    loss = loss_of(torch, net(torch.from_numpy(images)), torch.from_numpy(labels.astype(np.int64)))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 12.0)
    optimiser.step()
    return float(loss.detach())


def loss_of(torch: Any, logits: Any, labels: Any) -> Any:
    """Cross-entropy plus one less the soft Dice of each structure over the batch."""
    entropy = torch.nn.functional.cross_entropy(logits, labels)
    chance = torch.softmax(logits, dim=1)[:, 1:]
    there = torch.nn.functional.one_hot(labels, logits.shape[1]).movedim(-1, 1)[:, 1:].to(chance.dtype)
    axes = (0, *range(2, logits.ndim))
    dice = (2 * (chance * there).sum(axes) + 1) / (chance.sum(axes) + there.sum(axes) + 1)
    return entropy + 1 - dice.mean()


def tune_dice(net: Any, cases: Sequence[Case], recipe: Preprocess) -> float:
    """Mean Dice over structures and volumes; a structure that is neither there nor said counts 1. NaN without volumes."""
    torch = need("torch", extra="imaging")
    net.eval()

    def answer(window: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            told: NDArray[np.float32] = net(torch.from_numpy(np.ascontiguousarray(window))).numpy()
        return told

    scores = []
    for case in cases:
        said = slide(case.image, answer, recipe).argmax(axis=0)
        scores += [_dice(said == label, case.labels == label) for label in range(1, len(recipe.labels) + 1)]
    return float(np.mean(scores)) if scores else float("nan")


def _dice(said: NDArray[np.bool_], there: NDArray[np.bool_]) -> float:
    both = int(said.sum()) + int(there.sum())
    return 2 * int((said & there).sum()) / both if both else 1.0


def _rate(step: int, options: SegmentOptions) -> float:
    """Share of the learning rate at a step: a rise, then a cosine to nought."""
    if step < options.warm_up:
        return (step + 1) / options.warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - options.warm_up) / max(options.steps - options.warm_up, 1)))


@contextmanager
def _threads(torch: Any, count: int) -> Iterator[None]:
    """So many threads for a while, and only operations that repeat to the bit."""
    before, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(count)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.use_deterministic_algorithms(strict)
