"""Columns that give the label away: known only together with the answer, or the answer in another form.

In        what was measured of each compound; other events of the same compounds
Out       the codes of those that order the compounds almost as the answer does, or sort them into its classes
Examples  pIC50 beside "active" (MoleculeNet's BACE), `why_stop` beside a trial's outcome (HINT)
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from bedside.core.target import Target

_ORDERS, _RANKS = 0.98, 0.94  # |Spearman| with a number; |2 AUROC - 1| with a label: an AUROC of .97
_SHARE, _FEWEST = 0.5, 20  # of the compounds that must have the column; fewer say nothing
_PURE, _MOST_WORDS = 0.99, 0.2  # share of compounds whose word has one label alone; words per compound, above which they are names


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
    return float(best) / rows.height >= _PURE
