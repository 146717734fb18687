"""The least lossy way to make a table safe: one level of generalisation a column, and the records that stay out.

In        a table, a hierarchy for each quasi-identifier, what is asked of every class (k, l, t), the greatest share that may be left out
Out       `Chosen`: the levels, the records left out, the loss; None when even the coarsest table cannot
Loss      normalised certainty penalty of the kept records, averaged over records and columns; a record left out counts 1. 0 is the
          table as it is, 1 a table that tells nothing
Method    full-domain generalisation. The penalty of a node without its suppression is a lower bound of its loss and rises along
          every edge, so nodes are tried in its order until it passes the best loss found: the result is the exact optimum of the
          lattice. For k and distinct l a node that fails condemns all finer ones, which are not tried (El Emam et al., JAMIA 2009;16:670, OLA;
          Kohlmayer et al., PASSAT 2012, Flash). Ties go to the lexically first levels: the same table gives the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import log

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from bedside.core.errors import Unusable
from bedside.deidentify.risk_hierarchy import Hierarchy

_MOST_NODES = 200_000


class Asked(msgspec.Struct, frozen=True):
    """What every class must hold.

    k          fewest records
    suppress   greatest share of records left out
    diversity  fewest distinct values of every sensitive column (l)
    entropy    least exp of entropy of every sensitive column; 0 asks nothing
    distance   greatest distance of a class from the table, values equally far apart (t); 1 asks nothing
    """

    k: int = 11
    suppress: float = 0.05
    diversity: int = 1
    entropy: float = 0.0
    distance: float = 1.0


class Chosen(msgspec.Struct, frozen=True):
    """The best node. `levels`: column -> (level, of how many, how its hierarchy is made)."""

    levels: dict[str, tuple[int, int, str]]
    suppressed: int
    loss: float
    discernibility: int
    nodes: int
    tried: int


def search(
    hierarchies: Sequence[Hierarchy], asked: Asked, sensitive: Sequence[pl.Series] = ()
) -> tuple[Chosen, NDArray[np.bool_]] | None:
    """The node of least loss that gives what is asked, with the records that are kept; None when there is none."""
    nodes = sorted((_penalty(hierarchies, node), node) for node in _lattice(hierarchies))
    secret = [one.cast(pl.String).fill_null("").rank("dense").to_numpy().astype(np.int64) - 1 for one in sensitive]
    rising = not asked.entropy and asked.distance >= 1
    best: tuple[float, tuple[int, ...], NDArray[np.bool_], int] | None = None
    failed, tried = list[tuple[int, ...]](), 0
    for bound, node in nodes:
        if best is not None and bound >= best[0] - 1e-12:
            break
        if rising and any(all(a <= b for a, b in zip(node, worse, strict=True)) for worse in failed):
            continue
        tried += 1
        kept, discernibility = _kept(hierarchies, node, asked, secret)
        if 1 - kept.mean() > asked.suppress + 1e-12:
            failed.append(node)
            continue
        loss = _loss(hierarchies, node, kept)
        if best is None or loss < best[0] - 1e-12:
            best = (loss, node, kept, discernibility)
    if best is None:
        return None
    loss, node, kept, discernibility = best
    levels = {one.name: (level, one.levels, one.kind) for one, level in zip(hierarchies, node, strict=True)}
    return Chosen(levels, int((~kept).sum()), loss, discernibility, len(nodes), tried), kept


def _lattice(hierarchies: Sequence[Hierarchy]) -> list[tuple[int, ...]]:
    size = int(np.prod([one.levels for one in hierarchies]))
    if size > _MOST_NODES:
        raise Unusable(f"the lattice has {size} nodes, more than the {_MOST_NODES} that are searched in full", where="--quasi",
                       do="name fewer quasi-identifiers, or give hierarchies with fewer levels")  # fmt: skip
    return list(product(*(range(one.levels) for one in hierarchies)))


def _penalty(hierarchies: Sequence[Hierarchy], node: tuple[int, ...]) -> float:
    return float(sum(one.loss[level].mean(dtype=float) for one, level in zip(hierarchies, node, strict=True)) / len(node))


def _loss(hierarchies: Sequence[Hierarchy], node: tuple[int, ...], kept: NDArray[np.bool_]) -> float:
    """Penalty of the kept records, and 1 for each left out."""
    told = sum(one.loss[level][kept].sum(dtype=float) for one, level in zip(hierarchies, node, strict=True)) / len(node)
    return float((told + (~kept).sum()) / len(kept))


def _kept(
    hierarchies: Sequence[Hierarchy], node: tuple[int, ...], asked: Asked, secret: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.bool_], int]:
    """Which records stay at a node, and the discernibility of the result (Bayardo and Agrawal, ICDE 2005)."""
    key = _keys(hierarchies, node)
    sizes = np.bincount(key)
    fit = sizes >= asked.k
    for values in secret:
        fit &= _diverse(key, values, sizes, asked)
    kept = fit[key]
    return kept, int((sizes[fit].astype(np.int64) ** 2).sum() + (~kept).sum() * len(kept))


def _keys(hierarchies: Sequence[Hierarchy], node: tuple[int, ...]) -> NDArray[np.int64]:
    """The class of each record, numbered from 0."""
    key = np.zeros(hierarchies[0].codes.shape[1], np.int64)
    for one, level in zip(hierarchies, node, strict=True):
        codes = one.codes[level]
        key = np.unique(key * (int(codes.max()) + 1) + codes, return_inverse=True)[1].astype(np.int64)
    return key


def _diverse(key: NDArray[np.int64], values: NDArray[np.int64], sizes: NDArray[np.int64], asked: Asked) -> NDArray[np.bool_]:
    """Which classes hold what is asked of one sensitive column."""
    width = int(values.max()) + 1
    cells, counts = np.unique(key * width + values, return_counts=True)
    of = cells // width
    fit = np.bincount(of, minlength=len(sizes)) >= asked.diversity
    share = counts / sizes[of]
    if asked.entropy > 0:
        fit &= np.bincount(of, -share * np.log(share), minlength=len(sizes)) >= log(asked.entropy) - 1e-12
    if asked.distance < 1:
        whole = np.bincount(values, minlength=width) / len(values)
        apart = np.bincount(of, np.abs(share - whole[cells % width]) - whole[cells % width], minlength=len(sizes))
        fit &= (apart + 1) / 2 <= asked.distance + 1e-12
    return np.asarray(fit)


def generalised(frame: pl.DataFrame, hierarchies: Sequence[Hierarchy], chosen: Chosen, kept: NDArray[np.bool_]) -> pl.DataFrame:
    """The table at the chosen levels, without the records left out; other columns as they were."""
    by_name = {one.name: one.column(chosen.levels[one.name][0], kept) for one in hierarchies}
    stay = frame.filter(pl.Series(kept))
    return stay.select(by_name.get(name, stay[name]) for name in stay.columns)
