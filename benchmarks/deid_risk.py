"""Risk of a table beside pandas and pycanon: k, l, highest and average prosecutor risk of 10,000 records and 4 quasi-identifiers.

    pip install --target /tmp/pycanon pycanon && PYTHONPATH=/tmp/pycanon python benchmarks/deid_risk.py

CPU seconds, best of five; pandas and pycanon are left out where they are not installed. All must give the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from bedside.deidentify.risk import quick, risk
from bedside.deidentify.risk_hierarchy import hierarchy
from bedside.deidentify.risk_search import Asked, search

QUASI = ["age", "zip", "sex", "ward"]


def made(records: int) -> pl.DataFrame:
    chance = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "age": chance.integers(20, 90, records).astype(str),
            "zip": (10000 + chance.integers(0, 40, records)).astype(str),
            "sex": chance.choice(["m", "f"], records),
            "ward": chance.choice(list("abcde"), records),
            "disease": chance.choice([f"d{at}" for at in range(12)], records),
        }
    )


def best(of: Callable[[], Any]) -> tuple[float, Any]:
    seconds, told = [], None
    for _ in range(5):
        start = time.process_time()
        told = of()
        seconds.append(time.process_time() - start)
    return min(seconds), told


def _pandas(frame: Any) -> tuple[int, int, float, float]:
    groups = frame.groupby(QUASI, observed=True)["disease"]
    sizes, distinct = groups.size(), groups.nunique()
    return int(sizes.min()), int(distinct.min()), float(1 / sizes.min()), len(sizes) / len(frame)


def main() -> None:
    frame = made(10_000)
    ours, told = best(lambda: quick(frame, QUASI, "disease"))
    print(f"ours, the same four numbers       {ours:.4f} CPU-s  {told}")
    print(f"ours, all measures                {best(lambda: risk(frame, QUASI, ['disease']))[0]:.4f} CPU-s")
    try:
        table = frame.to_pandas()
    except ModuleNotFoundError:
        table = None
    if table is not None:
        theirs, same = best(lambda: _pandas(table))
        print(f"pandas groupby                    {theirs:.4f} CPU-s  {same}  ratio {theirs / ours:.1f}, equal {np.allclose(told, same)}")
        _pycanon(table, ours, told)
    start = time.process_time()
    found = search([hierarchy(frame[name]) for name in QUASI], Asked(k=11), [frame["disease"]])
    print(f"search of {found[0].nodes if found else 0} nodes for k 11        {time.process_time() - start:.3f} CPU-s")
    big = made(1_000_000)
    start = time.process_time()
    risk(big, QUASI, ["disease"])
    print(f"all measures, 1,000,000 records   {time.process_time() - start:.2f} CPU-s")


def _pycanon(table: Any, ours: float, told: tuple[int, int, float, float]) -> None:
    try:
        from pycanon import anonymity
    except ModuleNotFoundError:
        return
    theirs, same = best(lambda: (anonymity.k_anonymity(table, QUASI), anonymity.l_diversity(table, QUASI, ["disease"])))
    print(f"pycanon k and l                   {theirs:.4f} CPU-s  {same}  ratio {theirs / ours:.1f}, equal {tuple(told[:2]) == tuple(same)}")


if __name__ == "__main__":
    main()
