"""Fit the linear model of numbers, categories and words, and say what it says of rows that it did not learn from.

In        rows with columns n:, c:, t: (see `bundle/runners/linear_text.py`), labels, groups that stay together, a seed
Out       `Linear`; out-of-fold probabilities
Method    logistic regression with a ridge, strength `penalty`; texts by term weights; levels and terms seen fewer than `fewest` times are left out
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.bundle.runners.linear_text import Linear, Number, Term, terms
from bedside.core.errors import Unusable
from bedside.core.lazy import need

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

_MOST_TERMS = 20_000


def fit(rows: pl.DataFrame, label: NDArray[np.bool_], *, penalty: float = 1.0, fewest: int = 3) -> Linear:
    """The model of these rows; `Unusable` where they are all alike."""
    if len(set(label.tolist())) < 2:
        raise Unusable("the development rows all have the same outcome", where="decisions", do="see the cohort's counts; a longer horizon may help")
    sparse = need("scipy.sparse", extra="molecules")
    parts, names = _parts(rows, fewest)
    if not parts:  # nothing that was seen often enough: the share of yes, for everybody
        return names(np.zeros(0), float(np.log(label.mean() / (1 - label.mean()))))
    matrix = sparse.hstack([part for _, part in parts]).tocsr()
    learner = need("sklearn.linear_model", extra="molecules").LogisticRegression(C=1.0 / penalty, max_iter=500, solver="liblinear", random_state=0)
    learner.fit(matrix, label)
    return names(learner.coef_[0], float(learner.intercept_[0]))


def out_of_fold(rows: pl.DataFrame, label: NDArray[np.bool_], groups: Sequence[str], *, folds: int = 5, penalty: float = 1.0, fewest: int = 3) -> NDArray[np.float64]:
    """Of each row the probability by a model of the other folds; groups stay together. NaN where a fold cannot be fitted without its rows."""
    fold = _dealt(groups, label, folds)
    said = np.full(len(label), np.nan)
    for number in range(folds):
        inside = fold != number
        if len(set(label[inside].tolist())) == 2 and not inside.all():
            said[~inside] = fit(rows.filter(inside), label[inside], penalty=penalty, fewest=fewest).probabilities(rows.filter(~inside))
    return said


def _dealt(groups: Sequence[str], label: NDArray[np.bool_], folds: int) -> NDArray[np.int64]:
    """Groups to folds in turn, those with the outcome first, in the order of their names."""
    struck = {group for group, ill in zip(groups, label, strict=True) if ill}
    order = sorted(set(groups), key=lambda group: (group not in struck, group))
    place = {group: turn % folds for turn, group in enumerate(order)}
    return np.array([place[group] for group in groups], dtype=np.int64)


def _parts(rows: pl.DataFrame, fewest: int) -> tuple[list[tuple[str, Any]], Callable[[NDArray[np.float64], float], Linear]]:
    """Blocks of the design matrix, and what turns its coefficients back into a `Linear`."""
    numbers = {name: _number(rows[name]) for name in rows.columns if name.startswith("n:")}
    categories = {name: _levels(rows[name].to_list(), fewest) for name in rows.columns if name.startswith("c:")}
    texts = {name: _vocabulary(rows[name].to_list(), fewest) for name in rows.columns if name.startswith("t:")}
    blocks = [(name, _scaled(rows[name], *told)) for name, told in numbers.items()]
    blocks += [(name, _one_hot(rows[name].to_list(), levels)) for name, levels in categories.items() if levels]
    blocks += [(name, _weighted(rows[name].to_list(), idf)) for name, idf in texts.items() if idf]

    def named(coefficient: NDArray[np.float64], intercept: float) -> Linear:
        given = iter(coefficient.tolist())
        told_numbers = {name[2:]: Number(*numbers[name], next(given)) for name in numbers}
        told_levels = {name[2:]: {level: next(given) for level in levels} for name, levels in categories.items()}
        told_terms = {name[2:]: {term: Term(weight, next(given)) for term, weight in idf.items()} for name, idf in texts.items()}
        return Linear(intercept, told_numbers, told_levels, told_terms)

    return blocks, named


def _number(column: pl.Series) -> tuple[float, float]:
    there = column.drop_nulls().drop_nans()
    spread = float(there.std() or 0.0) if there.len() > 1 else 0.0  # type: ignore[arg-type]
    return (float(there.mean() or 0.0) if there.len() else 0.0), spread or 1.0  # type: ignore[arg-type]


def _scaled(column: pl.Series, centre: float, scale: float) -> Any:
    values = (column.cast(float).fill_null(float("nan")).to_numpy() - centre) / scale
    return need("scipy.sparse", extra="molecules").csr_matrix(np.where(np.isnan(values), 0.0, np.clip(values, -5.0, 5.0))[:, None])


def _levels(values: Sequence[str | None], fewest: int) -> list[str]:
    counts = Counter(value for value in values if value is not None)
    return sorted(level for level, count in counts.items() if count >= fewest)


def _one_hot(values: Sequence[str | None], levels: Sequence[str]) -> Any:
    return need("scipy.sparse", extra="molecules").csr_matrix(np.array([[value == level for level in levels] for value in values], dtype=float))


def _vocabulary(texts: Sequence[str | None], fewest: int) -> dict[str, float]:
    """Terms of enough texts with their idf, the most frequent where there are too many."""
    counts = Counter(term for text in texts for term in set(terms(text or "")))
    kept = sorted((term for term, count in counts.items() if count >= fewest), key=lambda term: (-counts[term], term))[:_MOST_TERMS]
    return {term: float(np.log((1 + len(texts)) / (1 + counts[term])) + 1) for term in sorted(kept)}


def _weighted(texts: Sequence[str | None], idf: dict[str, float]) -> Any:
    place = {term: column for column, term in enumerate(idf)}
    data, columns, ends = list[float](), list[int](), [0]
    for text in texts:
        counts = Counter(term for term in terms(text or "") if term in place)
        length = sum((count * idf[term]) ** 2 for term, count in counts.items()) ** 0.5
        data += [count * idf[term] / length for term, count in counts.items()]
        columns += [place[term] for term in counts]
        ends.append(len(data))
    return need("scipy.sparse", extra="molecules").csr_matrix((data, columns, ends), shape=(len(texts), len(idf)))
