"""What makes a model federable: a fit that several sites make together without a patient's row leaving any of them.

A pillar says that a model is federable by giving a `Federable` for each output that it fits. The room `federate` walks the
rounds, and only arrays whose names and shapes the `Federable` declares can cross from a site.

shapes      what crosses, of which shape; never a length that grows with the rows
summarise   a site's rows            -> sums that standardise the columns                        once
initial     all sites' sums          -> the state that everybody starts from                     once
update      state and a site's rows  -> the site's update                                        every round
aggregate   state and updates        -> the next state                                           every round
margins     state and a site's rows  -> margins that the member speaking did not learn from      at the site; they stay there
finish      the last state           -> weights as a runner of `bundle/runners` reads them
Members     one for each fold left out, fitted in the same rounds, and one on all rows (the first), which is the one served:
            so calibration and thresholds come from rows that the member speaking has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Arrays = Mapping[str, Floats]

Method = Literal["fedavg", "fedprox", "bagging", "cyclic"]
Noise = Callable[[tuple[int, ...]], Floats]
"""Standard normal numbers of a shape, from a secret that only the site knows."""


class Privacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[model.federated.privacy]: what is added to updates before they leave, and what it protects.

    unit    "patient": every step clips each patient's share of the gradient and adds noise (DP-SGD); the guarantee is for adding
            or removing one patient of the site. "site": the whole update is clipped and noise added; the guarantee is for a site
            that takes part against one that sends nothing.
    clip    largest L2 norm of what one unit may contribute; noise: standard deviation of the noise, in units of clip
    share   patients drawn for each step, each independently (unit "patient" only); delta: of the (epsilon, delta) that is told
    """

    unit: Literal["patient", "site"]
    noise: float
    clip: float = 1.0
    share: float = 1.0
    delta: float = 1e-5


class Federated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[model.federated]: how the fit goes over sites.

    method           fedavg or fedprox for weights, bagging or cyclic for trees; by default the first that fits the model
    rounds           how often updates are gathered; local_steps: gradient steps at a site between two
    learning_rate    of a gradient step, in units of the largest that cannot overshoot; with privacy, the plain step
    batch_rows       rows of one gradient step, drawn anew each time; 0: all
    proximal         FedProx: strength of the pull back to the shared weights
    folds            folds for calibration and thresholds, dealt inside each site; 0: neither, the model's own probability is told
    least_subjects   a site with fewer development subjects does not take part; least_cell: fewest rows behind any number told
    quorum           share of sites that must answer; on_vanished: what to do when one does not in timeout_s
    largest_update   an update with a weight (of a tree: a leaf) beyond this is quarantined, as is one with a number that is none
    """

    method: Method | None = None
    rounds: int = 30
    local_steps: int = 5
    learning_rate: float = 1.0
    batch_rows: int = 0
    proximal: float = 0.0
    folds: int = 5
    least_subjects: int = 20
    least_cell: int = 5
    quorum: float = 1.0
    on_vanished: Literal["stop", "go-on"] = "stop"
    timeout_s: float = 600.0
    largest_update: float = 100.0
    privacy: Privacy | None = None


class Shape(NamedTuple):
    """Dimensions of an array. `most`: the first is a bound, not a size; only what comes from the coordinator may have one."""

    dims: tuple[int, ...]
    most: bool = False


class Shapes(NamedTuple):
    """What may cross for one output: names and shapes of a site's sums and updates, and of the state that it is sent."""

    summary: Mapping[str, Shape]
    update: Mapping[str, Shape]
    state: Mapping[str, Shape]


class Rows(NamedTuple):
    """A site's development rows. They never leave it.

    matrix   (n, p) float32, missing as nan; outcome (n,) bool; subject (n,) from 0, in no order that means anything
    fold     (n,) the fold that each row is in, from 0
    """

    matrix: NDArray[np.float32]
    names: tuple[str, ...]
    outcome: NDArray[np.bool_]
    subject: NDArray[np.int64]
    fold: NDArray[np.int64]


class Turn(NamedTuple):
    """One round as a site sees it: its number from 0, a name that seeds its draws, and the noise where privacy asks for it."""

    number: int
    site: str
    noise: Noise | None = None


class Fitted(NamedTuple):
    """The weights of the member that is served, for one of `bundle/runners`."""

    runner: str
    weights: dict[str, bytes]


class Federable(Protocol):
    """One output's fit over sites. Bound to its columns and options when it is made; holds no data and no state.

    `covers`: the guarantees that its updates can keep.
    """

    columns: tuple[str, ...]
    covers: frozenset[str]

    def shapes(self, sites: int) -> Shapes:
        """What may cross when so many sites take part."""

    def summarise(self, rows: Rows) -> Arrays:
        """A site's sums."""

    def initial(self, summaries: Mapping[str, Arrays]) -> Arrays:
        """The state that all start from; sites in the order of their names."""

    def invited(self, number: int, sites: Sequence[str]) -> list[str]:
        """The sites that are asked in a round."""

    def update(self, state: Arrays, rows: Rows, turn: Turn) -> Arrays:
        """A site's update of the state."""

    def faults(self, update: Arrays) -> str:
        """Why an update of finite numbers is still none; empty when it is one."""

    def aggregate(self, state: Arrays, updates: Mapping[str, Arrays], sizes: Mapping[str, Floats]) -> Arrays:
        """The next state, from updates that passed inspection; `sizes`: of each site, rows behind each member."""

    def margins(self, state: Arrays, rows: Rows) -> Floats:
        """(n,) margins, each of the member that left the row's fold out; of the first member without folds."""

    def finish(self, state: Arrays) -> Fitted:
        """The member on all rows, as its runner reads it."""


class Sealing(NamedTuple):
    """What the coordinator knows when the rounds are over. `groups`: of each output (g, 3): rows, events, mean margin."""

    fitted: dict[str, Fitted]
    groups: dict[str, Floats]
    histograms: Arrays
    summaries: Mapping[str, Arrays]
    counts: dict[str, int]
    told: dict[str, object]
    made: bool
    training: dict[str, str]


class FederablePillar(Protocol):
    """How a pillar's fit goes over sites. `Refused` for a model that cannot."""

    extra: str

    def options(self, model: Mapping[str, object]) -> Federated:
        """[model.federated], checked."""

    def fits(self, task: Any, model: Mapping[str, object], seed: int) -> dict[str, Federable]:
        """A federable for each output, the model's own first."""

    def rows(self, task: Any, model: Mapping[str, object], decisions: pl.DataFrame, features: pl.DataFrame, seed: int) -> Rows:
        """A site's development rows, from what its cohort step made."""

    def histograms(self, summaries: Mapping[str, Arrays]) -> Floats:
        """(p, 9) inner edges of the histograms that a reference sketch is made of."""

    def seal(self, task: Any, model: Mapping[str, object], sealing: Sealing, *, out: Any) -> str:
        """Calibrate, choose thresholds, seal the bundle at `out`; its digest."""


def too_large(weights: Floats, options: Federated) -> str:
    """Why weights cannot be used; empty when they can."""
    return "larger than largest_update" if float(np.abs(weights).max(initial=0.0)) > options.largest_update else ""


def averaged(updates: Mapping[str, Floats], sizes: Mapping[str, float]) -> Floats:
    """The mean of arrays, each weighing as much as its site has rows; sites in the order of their names.

    >>> averaged({"b": np.array([1.0]), "a": np.array([4.0])}, {"a": 1, "b": 2}).tolist()
    [2.0]
    """
    whole = sum(sizes[site] for site in updates)
    total = np.zeros_like(updates[min(updates)])
    for site in sorted(updates):
        total += updates[site] * (sizes[site] / whole)
    return total


def shielded(change: Floats, privacy: Privacy, noise: Noise) -> Floats:
    """A site's whole change, clipped to `privacy.clip` and with noise: the guarantee for unit "site"."""
    length = float(np.sqrt((change**2).sum()))
    kept = change * min(1.0, privacy.clip / length) if length > 0 else change
    shielded: Floats = kept + privacy.noise * privacy.clip * noise(change.shape)
    return shielded
