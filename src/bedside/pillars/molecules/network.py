"""A D-MPNN trained with chemprop's layers, features and learning rates, in a loop of our own: one thread, no checkpoint, no logger.

In        a `Lesson`; epochs, width, depth, dropout and batch of [model]
Out       `Fit`: the weights as safetensors, and the scale of the numbers
Source    chemprop 2 (Heid et al., J Chem Inf Model 2024;64:9): Adam; the rate rises for two epochs from 1e-4 to 1e-3, then falls to 1e-4.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.bundle.runners.molecules_graph import Graphs
from bedside.bundle.runners.molecules_members import Scale
from bedside.bundle.runners.molecules_weights import dumps
from bedside.core.errors import Unusable
from bedside.core.lazy import need
from bedside.pillars.molecules.learners import Fit, Lesson
from bedside.pillars.molecules.options import ModelOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST, _HIGHEST, _LAST, _WARM_UP = 1e-4, 1e-3, 1e-4, 2
_LAYERS = ("message_passing.", "predictor.ffn.")


def train(lesson: Lesson, options: ModelOptions) -> Fit:
    """One network. The same rows, seed and versions give the same weights."""
    torch: Any = need("torch", extra="gnn")
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # more threads wait for each other longer than they save
    try:
        return _train(torch, lesson, options)
    finally:
        torch.set_num_threads(before)


def _train(torch: Any, lesson: Lesson, options: ModelOptions) -> Fit:
    scale = Scale() if lesson.labels else Scale(float(lesson.answer.mean()), float(lesson.answer.std()) or 1.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lesson.seed)
        model = build(options, labels=lesson.labels)
        _learn(torch, model, lesson, (lesson.answer - scale.centre) / scale.spread, options)
    weights = {name: value.detach().numpy() for name, value in model.state_dict().items() if name.startswith(_LAYERS)}
    kept = {name: array for name, array in weights.items() if array.dtype == np.float32}
    if not all(np.isfinite(array).all() for array in kept.values()):
        raise Unusable("the network's weights are not finite", where="training", do="lower [model] epochs or width, or look for wild values")
    return Fit(dumps(kept), scale)


def build(options: ModelOptions, *, labels: bool) -> Any:
    """Chemprop's network, untrained."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # chemprop's dependencies warn on import
        models, layers = need("chemprop.models", extra="gnn"), need("chemprop.nn", extra="gnn")
        passing = layers.BondMessagePassing(d_h=options.width, depth=options.depth, dropout=options.dropout)
        head = layers.BinaryClassificationFFN if labels else layers.RegressionFFN
        predictor = head(input_dim=options.width, hidden_dim=options.width, dropout=options.dropout)
        return models.MPNN(passing, layers.NormAggregation(), predictor)


def _learn(torch: Any, model: Any, lesson: Lesson, answer: NDArray[np.float64], options: ModelOptions) -> None:
    graphs, order = lesson.batch.graphs, np.random.default_rng(lesson.seed)
    wanted = torch.tensor(answer, dtype=torch.float32)
    loss = torch.nn.BCEWithLogitsLoss() if lesson.labels else torch.nn.L1Loss() if options.loss == "absolute" else torch.nn.MSELoss()
    steps = -(-len(lesson.rows) // options.batch)
    optimiser = torch.optim.Adam(model.parameters(), lr=_FIRST)
    rates = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / steps, options.epochs) / _FIRST)
    model.train()
    for _ in range(options.epochs):
        for part in np.array_split(order.permutation(len(lesson.rows)), steps):
            optimiser.zero_grad()
            said = model.predictor.train_step(model.fingerprint(_asked(torch, graphs.part(lesson.rows[part].tolist()))))
            loss(said.reshape(-1), wanted[part]).backward()
            optimiser.step()
            rates.step()


def _rate(epoch: float, epochs: int) -> float:
    """The learning rate after so many epochs."""
    if epoch <= _WARM_UP:
        return _FIRST + (_HIGHEST - _FIRST) * epoch / _WARM_UP
    left = min((epoch - _WARM_UP) / max(epochs - _WARM_UP, 1), 1.0)
    return float(_HIGHEST * (_LAST / _HIGHEST) ** left)


class _Asked:
    """A batch of graphs as chemprop's layers read it."""

    def __init__(self, torch: Any, graph: Graphs) -> None:
        self.V, self.batch = torch.from_numpy(graph.atoms), torch.from_numpy(graph.owner)
        self.E = torch.from_numpy(np.ascontiguousarray(graph.edges[:, graph.atoms.shape[1] :]))
        self.edge_index = torch.from_numpy(np.stack([graph.source, graph.target]))
        self.rev_edge_index = torch.from_numpy(np.arange(len(graph.source)) ^ 1)
        self._n = graph.n

    def __len__(self) -> int:
        return self._n


def _asked(torch: Any, graph: Graphs) -> _Asked:
    return _Asked(torch, graph)
