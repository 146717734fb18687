"""Any torch module as a federable: FedAvg and FedProx on its parameters, as arrays that cross like all others.

In        how to make the module (seeded, the same everywhere), how its rows become tensors and what it loses on them
Out       a `Federable` without folds: the module's own output speaks, and whoever seals it calibrates elsewhere
Same      one thread, fixed seeds, rows in the site's order: the same rows give the same bits
Privacy   unit "site" (the whole update is clipped and noised); for each patient a net would need each patient's gradient.
Source    McMahan et al., AISTATS 2017; Li et al., MLSys 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.federable import Arrays, Federated, Fitted, Rows, Shape, Shapes, Turn, averaged, shielded, too_large
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_BATCH = 32


class FederatedNet:
    """A `Federable` of a torch module with float parameters and buffers.

    make     a fresh module: the caller seeds nothing, it is made under this fit's seed
    tensors  a site's rows -> (inputs, truth), first dimension the rows
    loss     (output, truth) -> a scalar
    save     the trained module -> runner and weights, when the rounds are over
    """

    covers = frozenset({"site"})

    def __init__(self, columns: tuple[str, ...], options: Federated, *, make: Callable[[], Any], tensors: Callable[[Rows], tuple[Any, Any]],
                 loss: Callable[[Any, Any], Any], save: Callable[[Any], Fitted], seed: int, step: float = 0.05) -> None:  # fmt: skip
        self.columns, self._options, self._seed, self._step = columns, options, seed, step
        self._make, self._tensors, self._loss, self._save = make, tensors, loss, save
        self._shapes = {name: Shape(tuple(one.shape)) for name, one in _arrays(self._fresh()).items()}

    def shapes(self, sites: int) -> Shapes:
        return Shapes({}, self._shapes, self._shapes)

    def summarise(self, rows: Rows) -> Arrays:
        return {}

    def initial(self, summaries: Mapping[str, Arrays]) -> Arrays:
        return _arrays(self._fresh())

    def invited(self, number: int, sites: Sequence[str]) -> list[str]:
        return list(sites)

    def faults(self, update: Arrays) -> str:
        return next((reason for one in update.values() if (reason := too_large(one, self._options))), "")

    def update(self, state: Arrays, rows: Rows, turn: Turn) -> Arrays:
        """`local_steps` passes over the site's rows in batches, from the shared parameters."""
        trained = _arrays(self._trained(state, rows, turn))
        if self._options.privacy is None or turn.noise is None:
            return trained
        change = np.concatenate([(trained[name] - state[name]).ravel() for name in sorted(state)])
        return _unpacked(state, shielded(change, self._options.privacy, turn.noise))

    def aggregate(self, state: Arrays, updates: Mapping[str, Arrays], sizes: Mapping[str, Floats]) -> Arrays:
        weights = {site: float(sizes[site][0]) for site in updates}
        return {name: averaged({site: one[name] for site, one in updates.items()}, weights) for name in state}

    def margins(self, state: Arrays, rows: Rows) -> Floats:
        torch: Any = need("torch", extra="imaging")
        net = self._loaded(state).eval()
        with torch.no_grad():
            told: Floats = net(self._tensors(rows)[0]).reshape(len(rows.outcome), -1)[:, 0].double().numpy()
        return told

    def finish(self, state: Arrays) -> Fitted:
        return self._save(self._loaded(state).eval())

    def _trained(self, state: Arrays, rows: Rows, turn: Turn) -> Any:
        torch: Any = need("torch", extra="imaging")
        net, (inputs, truth) = self._loaded(state).train(), self._tensors(rows)
        start = [one.detach().clone() for one in net.parameters()]
        optimiser = torch.optim.SGD(net.parameters(), lr=self._step * self._options.learning_rate)
        draw, size = np.random.default_rng([self._seed, turn.number, *turn.site.encode()]), self._options.batch_rows or _BATCH
        torch.manual_seed(int(draw.integers(1 << 31)))
        for _ in range(self._options.local_steps):
            order = draw.permutation(len(truth))
            for own in (order[at : at + size] for at in range(0, len(order), size)):
                optimiser.zero_grad()
                lost = self._loss(net(inputs[own]), truth[own])
                if self._options.proximal:
                    lost = lost + self._options.proximal / 2 * sum(((now - then) ** 2).sum() for now, then in zip(net.parameters(), start, strict=True))
                lost.backward()
                optimiser.step()
        return net

    def _fresh(self) -> Any:
        torch: Any = need("torch", extra="imaging")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            return self._make()

    def _loaded(self, state: Arrays) -> Any:
        torch: Any = need("torch", extra="imaging")
        net = self._fresh()
        kinds = {name: one.dtype for name, one in net.state_dict().items()}
        net.load_state_dict({name: torch.tensor(state[name], dtype=kind) for name, kind in kinds.items()})
        return net


def _arrays(net: Any) -> dict[str, Floats]:
    """Parameters and buffers as float64, which holds a float32 exactly."""
    return {name: one.detach().double().numpy().copy() for name, one in net.state_dict().items()}


def _unpacked(state: Arrays, change: Floats) -> dict[str, Floats]:
    """The state moved by a flat change, parts in the order of their names."""
    moved, at = dict[str, "Floats"](), 0
    for name in sorted(state):
        size = state[name].size
        moved[name] = state[name] + change[at : at + size].reshape(state[name].shape)
        at += size
    return moved
