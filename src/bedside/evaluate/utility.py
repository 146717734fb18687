"""Clinical utility of hourly sepsis alarms: early is rewarded, late or never is punished, false costs a little.

In        encounter (n,) any       whose hour each row is
          label     (n,) bool      true from six hours before onset, as the challenge publishes it
          alarm     (n,) bool      or a score with a threshold; rows of an encounter in time order
Out       the official score of the PhysioNet/Computing in Cardiology Challenge 2019: 1 is the best possible
          policy, 0 never alarming, negative worse than silence. Vectorised: 285,000 rows in tens of milliseconds.
Source    Reyna et al., Crit Care Med 2020;48:210-217, and the challenge's definition of its five constants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bedside.core.errors import Unusable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

EARLY_HOURS, OPTIMAL_HOURS, LATE_HOURS = -12, -6, 3
BEST_TRUE, WORST_MISS, FALSE_ALARM = 1.0, -2.0, -0.05
_RISING = BEST_TRUE / (OPTIMAL_HOURS - EARLY_HOURS)
_FALLING = -BEST_TRUE / (LATE_HOURS - OPTIMAL_HOURS)
_MISSING = WORST_MISS / (LATE_HOURS - OPTIMAL_HOURS)


class Rows(NamedTuple):
    """What each row is worth with an alarm and without, what the best policy gets, and whose row it is (0..m-1)."""

    alarmed: Floats
    silent: Floats
    best: Floats
    encounter: NDArray[np.int64]


class Totals(NamedTuple):
    """Sums per encounter, ready for a bootstrap that draws whole encounters."""

    observed: Floats
    inaction: Floats
    best: Floats


def rows(encounter: ArrayLike, label: ArrayLike) -> Rows:
    """Worth of every row under both decisions.

    encounter  (n,)       rows of one encounter stand together, in time order, one an hour
    label      (n,) bool  the challenge's SepsisLabel

    >>> rows(["a"] * 4, [0, 0, 0, 0]).alarmed.tolist()
    [-0.05, -0.05, -0.05, -0.05]
    """
    names, truth = np.asarray(encounter), np.asarray(label, dtype=bool)
    number, hour, start = _positions(names)
    septic, onset = _onsets(number, start, truth)
    since = np.where(septic, hour - onset, -np.inf)
    alarmed, silent = _worth_of_alarm(since, septic), _worth_of_silence(since)
    wanted = septic & (since >= EARLY_HOURS) & (since <= LATE_HOURS)
    return Rows(alarmed, silent, np.where(wanted, alarmed, silent), number)


def totals(worth: Rows, alarm: ArrayLike) -> Totals:
    """Utility per encounter: of these alarms, of silence, of the best policy."""
    taken = np.where(np.asarray(alarm, dtype=bool), worth.alarmed, worth.silent)
    observed, inaction, best = (np.bincount(worth.encounter, each).astype(np.float64) for each in (taken, worth.silent, worth.best))
    return Totals(observed, inaction, best)


def score(sums: Totals) -> float:
    """Normalised utility: (observed - inaction) / (best - inaction).

    Raises `Unusable` when nobody becomes septic: then no policy can gain anything.
    """
    span = float(sums.best.sum() - sums.inaction.sum())
    if span <= 0:
        raise Unusable("utility has no scale: no encounter becomes septic", where=f"{len(sums.best)} encounters",
                       do="widen the test set, or report false alarms alone")  # fmt: skip
    return float(sums.observed.sum() - sums.inaction.sum()) / span


def utility(encounter: ArrayLike, label: ArrayLike, alarm: ArrayLike) -> float:
    """The challenge's normalised utility of hourly alarms.

    >>> round(utility(["a"] * 10, [0] * 4 + [1] * 6, [0] * 4 + [1] * 6), 3)
    0.767
    """
    return score(totals(rows(encounter, label), alarm))


def best_threshold(worth: Rows, risk: ArrayLike) -> float:
    """Threshold on risk (alarm when risk >= it) with the highest utility on these rows; the highest one among equals."""
    values = np.asarray(risk, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    gained = np.cumsum((worth.alarmed - worth.silent)[order])
    ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    best = ends[np.argmax(gained[ends])]
    return float(values[order][best]) if gained[best] > 0 else float(np.nextafter(values.max(), np.inf))


def interval(observed: Totals, *, level: float = 0.95, draws: int = 1000, seed: int = 1,
             versus: Totals | None = None) -> tuple[float, float]:  # fmt: skip
    """Percentile interval of the utility, or of its difference from `versus`, drawing whole encounters."""
    gain, span = observed.observed - observed.inaction, observed.best - observed.inaction
    if versus is not None:
        gain = gain - (versus.observed - versus.inaction)
    times = _draws(len(gain), draws, seed)
    tail = 50 * (1 - level)
    low, high = np.percentile((times @ gain) / np.maximum(times @ span, 1e-12), [tail, 100 - tail])
    return float(low), float(high)


def _draws(units: int, draws: int, seed: int) -> Floats:
    """How often each unit is drawn, one row a draw."""
    source = np.random.default_rng(seed)
    return np.stack([np.bincount(source.integers(0, units, units), minlength=units) for _ in range(draws)]).astype(np.float64)


def _positions(names: NDArray[np.generic]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Number of each row's encounter, the row's hour within it, and the first row of each encounter."""
    changed = np.append(True, names[1:] != names[:-1]) if len(names) else np.zeros(0, dtype=bool)
    start = np.flatnonzero(changed)
    if len(np.unique(names[start])) < len(start):
        raise Unusable("rows of one encounter do not stand together", where=f"{len(names)} rows", do="sort by encounter and time")
    number = np.cumsum(changed) - 1
    return number, np.arange(len(names)) - start[number], start


def _onsets(number: NDArray[np.int64], start: NDArray[np.int64], truth: Bools) -> tuple[Bools, Floats]:
    """Per row: is the encounter septic, and at which of its hours is onset (six hours after the label turns true)."""
    first = np.full(len(start), np.inf)
    at = np.flatnonzero(truth)
    np.minimum.at(first, number[at], at - start[number[at]])
    onset = first[number] - OPTIMAL_HOURS
    return np.isfinite(onset), np.where(np.isfinite(onset), onset, 0.0)


def _worth_of_alarm(since: Floats, septic: Bools) -> Floats:
    rising = np.maximum(_RISING * (since - EARLY_HOURS), FALSE_ALARM)
    falling = _FALLING * (since - LATE_HOURS)
    worth = np.where(since <= OPTIMAL_HOURS, rising, np.where(since <= LATE_HOURS, falling, 0.0))
    return np.where(septic, worth, FALSE_ALARM)


def _worth_of_silence(since: Floats) -> Floats:
    due = (since > OPTIMAL_HOURS) & (since <= LATE_HOURS)
    return np.where(due, _MISSING * (np.where(due, since, 0.0) - OPTIMAL_HOURS), 0.0)
