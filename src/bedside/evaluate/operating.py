"""At a threshold fixed beforehand: what is caught, what is missed, how many alerts, how many of them true.

In        outcome (n,) bool, alert (n,) bool, codes (n,) subject of a row
Out       `OperatingPoint`
Method    one row a subject: Wilson (or Clopper-Pearson). Several rows a subject: patient bootstrap.
Source    Altman & Bland, BMJ 1994;308:1552 and 309:102; Vickers & Elkin, Med Decis Making 2006;26:565 (net benefit).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bedside.evaluate.cluster import Bootstrap, sums
from bedside.evaluate.proportions import Interval, nothing, proportion
from bedside.evaluate.records import Counts, Estimate, OperatingPoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_SHARES = ("sensitivity", "specificity", "ppv", "npv", "alert_share")
_OF = {"sensitivity": "predictions with the event", "specificity": "predictions without the event",
       "ppv": "alerts", "npv": "predictions without alert", "alert_share": "predictions"}  # fmt: skip


def operating_point(
    outcome: Bools, alert: Bools, codes: Ints, *, subjects: int, bootstrap: Bootstrap, name: str, threshold: float | None,
    by_split: Mapping[str, float] | None = None, patient_days: float | None = None, odds: float | None = None,
    interval: Interval = "wilson",
) -> OperatingPoint:  # fmt: skip
    """Everything at one threshold.

    patient_days  time that the rows cover, in days; without it alerts per 100 patient-days stay null
    odds          threshold / (1 - threshold) of a probability, for net benefit; None for a score
    interval      for shares when every subject has one row
    """
    table = _cells(outcome, alert, codes, subjects)
    clustered = subjects < len(outcome)
    shares = _bootstrapped(table, bootstrap) if clustered else _exact(table.sum(axis=0), bootstrap.level, interval)
    return OperatingPoint(
        name=name, threshold=threshold, by_split=dict(by_split or {}),
        counts=counts(outcome, codes, subjects), alerts=int(alert.sum()),
        **{share: shares[share] for share in _SHARES},
        subject_sensitivity=_subjects_found(outcome, alert, codes, subjects, bootstrap.level, interval),
        alerts_per_100_patient_days=_rate(shares["alert_share"], len(outcome), patient_days),
        net_benefit=None if odds is None else _net_benefit(table, odds, bootstrap),
    )  # fmt: skip


def counts(outcome: Bools, codes: Ints, subjects: int) -> Counts:
    """How much rows rest on."""
    return Counts(len(outcome), subjects, int(outcome.sum()), len(np.unique(codes[outcome])))


def _cells(outcome: Bools, alert: Bools, codes: Ints, subjects: int) -> Floats:
    """True positives, false positives, false negatives, true negatives of each subject."""
    return sums(codes, subjects, outcome & alert, ~outcome & alert, outcome & ~alert, ~outcome & ~alert)


def _ratios(cells: Floats) -> Floats:
    tp, fp, fn, tn = cells.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([tp / (tp + fn), tn / (tn + fp), tp / (tp + fp), tn / (tn + fn), (tp + fp) / (tp + fp + fn + tn)], axis=1)


def _bases(cells: Floats) -> list[int]:
    tp, fp, fn, tn = (int(cell) for cell in cells)
    return [tp + fn, tn + fp, tp + fp, tn + fn, tp + fp + fn + tn]


def _bootstrapped(table: Floats, bootstrap: Bootstrap) -> dict[str, Estimate]:
    whole = table.sum(axis=0)
    value, spread = _ratios(whole[None, :])[0], bootstrap.spread(lambda draws: _ratios(draws @ table), len(table))
    bearers = (np.stack([_bases(subject) for subject in table]) > 0).sum(axis=0)
    found: dict[str, Estimate] = {}
    for i, (name, n) in enumerate(zip(_SHARES, _bases(whole), strict=True)):
        if n == 0:
            found[name] = nothing(f"no {_OF[name]}", of=_OF[name])
        elif value[i] in (0.0, 1.0):
            found[name] = _all_or_none(value[i], n, int(bearers[i]), bootstrap.level, _OF[name])
        else:
            found[name] = bootstrap.estimate(value[i], spread[:, i], n=n, of=_OF[name])
    return found


def _all_or_none(value: float, n: int, subjects: int, level: float, of: str) -> Estimate:
    """A share of nothing or of everything, which no resample can change: as much is known as its subjects tell, each counted once."""
    told = proportion(round(value * subjects), subjects, level=level, of=of)
    return Estimate(float(value), told.low, told.high, n, f"Wilson, {subjects} subjects counted once each", of)


def _exact(cells: Floats, level: float, interval: Interval) -> dict[str, Estimate]:
    tp, fp, _, tn = (int(cell) for cell in cells)
    over = (tp, tn, tp, tn, tp + fp)
    return {name: proportion(top, n, level=level, interval=interval, of=_OF[name])
            for name, top, n in zip(_SHARES, over, _bases(cells), strict=True)}  # fmt: skip


def _subjects_found(outcome: Bools, alert: Bools, codes: Ints, subjects: int, level: float, interval: Interval) -> Estimate:
    """Of subjects with the event, the share with an alert while it lay within the horizon: subjects are independent."""
    held, found = (np.bincount(codes[rows], minlength=subjects) > 0 for rows in (outcome, outcome & alert))
    return proportion(int(found.sum()), int(held.sum()), level=level, interval=interval, of="subjects with the event")


def _rate(share: Estimate, n: int, patient_days: float | None) -> Estimate:
    """Alerts per 100 patient-days: the share of predictions that alert, times predictions in 100 patient-days."""
    if patient_days is None or patient_days <= 0:
        return nothing("patient-days not given", n=n)
    if share.value is None:
        return share
    scale = 100 * n / patient_days
    low, high = (None if end is None else end * scale for end in (share.low, share.high))
    return Estimate(share.value * scale, low, high, n, share.method, share.of)


def _net_benefit(table: Floats, odds: float, bootstrap: Bootstrap) -> Estimate:
    def benefit(draws: Floats) -> Floats:
        cells = draws @ table
        net: Floats = (cells[:, 0] - odds * cells[:, 1]) / cells.sum(axis=1)
        return net[:, None]

    value = float(benefit(np.ones((1, len(table))))[0, 0])
    return bootstrap.estimate(value, bootstrap.spread(benefit, len(table))[:, 0], n=int(table.sum()))
