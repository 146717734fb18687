"""What hourly alarms are worth to patients: the challenge's utility of every output, and what the main one adds to each.

In        held-out rows, one an hour of each encounter; of each output a threshold by split, chosen on other subjects
Out       `UtilityRow`s, the main output first; a null estimate says why the measure has no answer here
Method    gain over silence and its span are summed per subject; intervals resample subjects; differences are paired
Source    the measure: `utility.py`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.errors import Misconfigured
from bedside.evaluate import utility
from bedside.evaluate.cluster import Bootstrap, sums
from bedside.evaluate.proportions import nothing
from bedside.evaluate.records import Estimate, UtilityRow
from bedside.evaluate.sample import Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_OF = "encounters"
ByOutput = Mapping[str, Mapping[str, float]]


def utility_rows(rows: Sample, thresholds: ByOutput, *, main: str, bootstrap: Bootstrap) -> list[UtilityRow]:
    """Utility of every output that has thresholds, and the main output less it on the same resamples of subjects.

    thresholds   output to {split: threshold}; a row alarms at or above its split's, and never where the output said nothing
    """
    named = [name for name in (main, *sorted(set(thresholds) - {main})) if name in thresholds and name in rows.scores]
    alarms = {name: _alarms(rows, name, thresholds[name]) for name in named}
    if why := _unanswerable(rows):
        none = nothing(why, n=len(rows.outcome))
        return [UtilityRow(name, int(alarms[name].sum()), none, none if name != main else None) for name in named]
    gains, span, count = _gains(rows, alarms)
    return [
        UtilityRow(
            name, int(alarms[name].sum()), _share(gains[name], span, bootstrap, count),
            _share(gains[main] - gains[name], span, bootstrap, count) if name != main and main in gains else None,
        )
        for name in named
    ]  # fmt: skip


def _alarms(rows: Sample, name: str, at: Mapping[str, float]) -> Bools:
    if lacking := sorted(set(rows.split) - set(at)):
        raise Misconfigured(f"the utility threshold of {name!r} is not given for {', '.join(lacking)}", where="utility_thresholds",
                            do="choose one inside the training part of every fold")  # fmt: skip
    line = np.array([at[split] for split in rows.split])
    said = rows.scores[name]
    alarmed: Bools = ~np.isnan(said) & (said >= line)
    return alarmed


def _unanswerable(rows: Sample) -> str | None:
    """Why the measure has no answer on these rows: it is defined for one row an hour, and a label that stays once it is true."""
    if rows.encounter is None or rows.hours is None:
        return "utility needs the encounter and the time of every prediction"
    order = _by_encounter(rows.encounter, rows.hours)
    encounter, hours, label = rows.encounter[order], rows.hours[order], rows.outcome[order]
    same = encounter[1:] == encounter[:-1]
    if (hours[np.flatnonzero(np.append(True, ~same))] != 0).any() or (np.diff(hours)[same] != 1).any():
        return "utility is defined for one prediction an hour, and these are not"
    if (label[:-1] & ~label[1:] & same).any():
        return "utility is defined for an outcome that stays once it is there, and this one ends"
    return None if label.any() else "utility has no scale: no encounter has the outcome"


def _by_encounter(encounter: Ints, hours: Ints) -> Ints:
    order: Ints = np.lexsort((hours, encounter)).astype(np.int64)
    return order


def _gains(rows: Sample, alarms: Mapping[str, Bools]) -> tuple[dict[str, Floats], Floats, int]:
    """Per subject: what each output's alarms gain over silence; what the best policy gains; and how many encounters there are."""
    assert rows.encounter is not None
    assert rows.hours is not None
    order = _by_encounter(rows.encounter, rows.hours)
    worth = utility.rows(rows.encounter[order], rows.outcome[order])
    codes = rows.codes[order]
    gain = worth.alarmed - worth.silent
    span = sums(codes, rows.subjects, worth.best - worth.silent)[:, 0]
    gains = {name: sums(codes, rows.subjects, np.where(alarm[order], gain, 0.0))[:, 0] for name, alarm in alarms.items()}
    return gains, span, int(worth.encounter[-1]) + 1


def _share(gain: Floats, span: Floats, bootstrap: Bootstrap, encounters: int) -> Estimate:
    def shares(draws: Floats) -> Floats:
        best = draws @ span
        return np.where(best > 0, (draws @ gain) / best, np.nan)[:, None]

    value = float(gain.sum() / span.sum())
    return bootstrap.estimate(value, bootstrap.spread(shares, len(gain))[:, 0], n=encounters, of=_OF)
