"""Features of every decision over a whole event frame.

In        events (core.events, any order), decisions (unit_id, subject_id, prediction_time, encounter_start)
Out       unit_id and one float32 column a feature, null where there is nothing, in the order of the decisions
Elsewhere the definition: `features.py`; the same for one patient: `live.py`; intervals and their sums: `timeline.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bedside.cohort.facts import Facts, Floats, Statements, facts_of, statements, static_facts
from bedside.cohort.plan import AGE, BIRTH, MALE, SEX_CODES, YEAR_US, Block, Plan
from bedside.cohort.timeline import NEVER, Cover, Ints, Timeline
from bedside.cohort.values import SCALE
from bedside.core.errors import Unusable
from bedside.core.time import HOUR_US

Singles = NDArray[np.float32]


def compute(plan: Plan, events: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """unit_id and every feature of every decision."""
    now = _ints(decisions["prediction_time"])
    line = Timeline(decisions["subject_id"].to_numpy(), now)
    said = statements(plan, events, line)
    features = (column for block in plan.blocks for column in _block(block, facts_of(block, said), line))
    made = [pl.Series(line.restore(column), nan_to_null=True) for column in chain(features, _statics(plan, said, line))]
    if plan.clock:
        hours = (decisions["prediction_time"].to_physical() - decisions["encounter_start"].to_physical()).cast(pl.Float64) / HOUR_US
        made.append(hours.cast(pl.Float32))
    return pl.DataFrame([decisions["unit_id"].alias("unit_id"), *(c.alias(name) for name, c in zip(plan.names, made, strict=True))])


# --- summaries -------------------------------------------------------------------------------------


def _block(block: Block, facts: Facts, line: Timeline) -> Iterator[Singles]:
    """The columns of one signal, in timeline order."""
    first = line.first_from(facts.rank, np.maximum(facts.time, facts.known + 1))
    last = _last(facts, first, _past(facts, first, block.reach_us, line), line)
    where = np.flatnonzero(last >= 0)
    age = line.time[where] - facts.time[last[where]]
    near = age <= block.lookback_us
    where, age = where[near], age[near]
    for point in block.points:
        yield _ratio(line, where, facts.value[last[where]], SCALE) if point == "last" else _ratio(line, where, age, HOUR_US)
    for window in block.windows_us:
        yield from _window(block, facts, Cover(line, first, _past(facts, first, window, line)), last, line)


def _past(facts: Facts, first: Ints, window_us: int, line: Timeline) -> Ints:
    """One past the last prediction that still sees each fact."""
    return line.first_after(first, facts.rank, np.minimum(facts.time + window_us, facts.until), window_us)


def _last(facts: Facts, first: Ints, past: Ints, line: Timeline) -> Ints:
    """Row of the last fact that each prediction sees, -1 where it sees none."""
    cover, row = Cover(line, first, past), np.full(len(line), -1, np.int64)
    row[cover.where] = cover.greatest(cover.facts)
    return row


def _window(block: Block, facts: Facts, cover: Cover, last: Ints, line: Timeline) -> Iterator[Singles]:
    """The spans of one window."""
    value, asked = facts.value[cover.facts], set(block.spans)
    _fits(block, value, cover.count)
    low = cover.least(value) if asked & {"min", "range"} else cover.count
    high = cover.greatest(value) if asked & {"max", "range"} else cover.count
    for span in block.spans:
        if span == "count":
            yield _counted(line, cover)
        elif span == "mean":
            yield _ratio(line, cover.where, cover.total(value), cover.count * SCALE)
        elif span == "delta":
            change = facts.value[last[cover.where]] - facts.value[cover.least(cover.facts)]
            yield _ratio(line, cover.where, change, SCALE)
        else:
            yield _ratio(line, cover.where, low if span == "min" else high if span == "max" else high - low, SCALE)


def _fits(block: Block, value: Ints, count: Ints) -> None:
    most = int(np.abs(value).max(initial=0)) * int(count.max(initial=0))
    if most > NEVER:
        raise Unusable("the values of one window are too many and too great to be added in 64 bits",
                       where=f"task.features, signal {block.signal.name!r}",
                       do="declare a greater unit or a plausible range")  # fmt: skip


def _counted(line: Timeline, cover: Cover) -> Singles:
    made = np.zeros(len(line), np.float32)
    made[cover.where] = cover.count
    return made


def _ratio(line: Timeline, where: NDArray[np.intp], above: Ints, below: Ints | int) -> Singles:
    """Quotient in 64 bits, rounded to 32, nan where there is nothing."""
    made = np.full(len(line), np.nan, np.float32)
    made[where] = above / below
    return made


# --- facts without time ----------------------------------------------------------------------------


def _statics(plan: Plan, said: Statements, line: Timeline) -> Iterator[Singles]:
    for name in plan.statics:
        if name == MALE:
            yield _scaled(_latest(static_facts([(code, said[code]) for code in SEX_CODES if code in said]), line))
        elif name == AGE:
            yield _age(plan, said, line).astype(np.float32)
        else:
            yield _scaled(_latest(_declared_static(plan, said, name), line))


def _scaled(values: Floats) -> Singles:
    return (values / SCALE).astype(np.float32)


def _declared_static(plan: Plan, said: Statements, name: str) -> Facts:
    code = plan.static_codes.get(name, "")
    return static_facts([(code, said[code])] if code in said else [])


def _age(plan: Plan, said: Statements, line: Timeline) -> Floats:
    born = _latest(static_facts([(BIRTH, said[BIRTH])] if BIRTH in said else []), line)
    told = np.floor(_latest(_declared_static(plan, said, AGE), line) / SCALE)
    since = np.where(np.isnan(born), 0.0, born).astype(np.int64)
    years = np.where(np.isnan(born), told, ((line.time - since) // YEAR_US).astype(np.float64))
    capped = years if plan.age_cap_years is None else np.minimum(years, plan.age_cap_years)
    return np.where(years >= 0, capped, np.nan)


def _latest(facts: Facts, line: Timeline) -> Floats:
    """Value of the latest known fact for each prediction, nan for none. Exact up to 2**53: 285 years in microseconds."""
    first = line.first_from(facts.rank, facts.known + 1)
    past = line.first_from(facts.rank, np.minimum(facts.until, NEVER - 1) + 1)
    row, made = _last(facts, first, past, line), np.full(len(line), np.nan)
    made[row >= 0] = facts.value[row[row >= 0]]
    return made


def _ints(column: pl.Series) -> Ints:
    return column.to_physical().cast(pl.Int64).to_numpy()
