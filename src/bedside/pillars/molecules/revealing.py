"""Columns that give the label away: known only together with the answer, or the answer in another form.

In        what was measured of each compound; other events of the same compounds, or a covariate
Out       the codes of those that order the compounds almost as the answer does, or sort them into its classes
Examples  pIC50 beside "active" (MoleculeNet's BACE), `why_stop` beside a trial's outcome (HINT)
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from bedside.core.target import Target

_ORDERS, _RANKS = 0.98, 0.94  # |Spearman| with a number; |2 AUROC - 1| with a label: an AUROC of .97
_SHARE, _FEWEST = 0.5, 20  # of the compounds that must have the column; fewer say nothing
_IMPURE, _MOST_WORDS = 0.02, 0.2  # compounds whose word has the other label, of those with the rarer; words per compound, above which they are names
_RARER = 3  # compounds with the rarer label; of fewer a covariate gives nothing away that chance could not


def reveals(rows: pl.DataFrame, other: pl.DataFrame, target: Target) -> Iterator[str]:
    """The codes that reveal this target.

    rows   subject_id and value of the target's measurements; other: events with other codes
    """
    enough = max(_FEWEST, _SHARE * rows.height)
    for (code,), events in other.join(rows.select("subject_id"), on="subject_id", how="semi").group_by("code", maintain_order=True):
        one = events.unique("subject_id", keep="first", maintain_order=True).join(rows.select("subject_id", "value"), on="subject_id")
        numbers, words = one.drop_nulls("numeric_value"), one.drop_nulls("text_value")
        if (numbers.height >= enough and _orders(numbers, target)) or (words.height >= enough and _sorts(words, target)):
            yield str(code)


def gives_away(rows: pl.DataFrame, covariate: str, target: Target) -> bool:
    """Whether a covariate does so by its order, by its few values, or by being there at all; however few compounds have it.

    rows   value of the target's measurements, and the covariate's column as the model reads it
    """
    numbers = rows.select("value", pl.col(covariate).alias("numeric_value")).drop_nulls()
    if numbers.height >= _FEWEST and (target.kind != "yes-no" or _rarer(numbers) >= _RARER) and _orders(numbers, target):
        return True
    if target.kind != "yes-no" or rows.height < _FEWEST or _rarer(rows) < _RARER:
        return False
    words = [numbers.with_columns(pl.col("numeric_value").cast(pl.String).alias("text_value")),
             rows.select("value", pl.col(covariate).is_null().cast(pl.String).alias("text_value"))]  # fmt: skip
    return any(one.height >= _FEWEST and _rarer(one) >= _RARER and _sorts(one, target) for one in words)


def _orders(rows: pl.DataFrame, target: Target) -> bool:
    if rows["value"].n_unique() < 2 or rows["numeric_value"].n_unique() < 2:
        return False
    ranked = rows.select(pl.col("value").rank(), pl.col("numeric_value").rank().alias("other"))
    if target.kind != "yes-no":
        return abs(float(ranked.select(pl.corr("value", "other")).item())) >= _ORDERS
    top = ranked.with_columns(pl.col("value") == pl.col("value").max())
    events, n = int(top["value"].sum()), top.height
    area = (float(top.filter("value")["other"].sum()) - events * (events + 1) / 2) / (events * (n - events))
    return abs(2 * area - 1) >= _RANKS


def _sorts(rows: pl.DataFrame, target: Target) -> bool:
    """Whether a few words divide the compounds into those with and those without."""
    kinds = rows["text_value"].n_unique()
    if target.kind != "yes-no" or rows["value"].n_unique() < 2 or not 2 <= kinds <= _MOST_WORDS * rows.height:
        return False
    best = rows.group_by("text_value", "value").len().group_by("text_value").agg(pl.col("len").max())["len"].sum()
    return rows.height - int(best) <= _IMPURE * _rarer(rows)


def _rarer(rows: pl.DataFrame) -> int:
    return int(rows["value"].value_counts()["count"].cast(pl.Int64).min() or 0)  # type: ignore[arg-type]
