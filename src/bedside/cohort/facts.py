"""Facts of each signal out of an event frame: what was said, between which instants it stood, and what it is worth.

In        events (core.events), a plan
Out       `Facts`: integer columns of one signal, sorted by (subject, time, known_at, value)
Elsewhere the rules: `features.py`; the same for single events: `live.py`, `values.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bedside.cohort.plan import ALWAYS, BIRTH, RANK, SEX_CODES, Block, Plan
from bedside.cohort.timeline import NEVER, Ints, Timeline
from bedside.cohort.values import LIMIT, SCALE, Quantity

Floats = NDArray[np.float64]
Statements = dict[str, pl.DataFrame]
_REASONS = ("used", "no value", "unit", "implausible")
_KEY = ["subject_id", "code", "time"]
_USED = ["rank", "time", "known", "until", "unit", "numeric_value", "text_value"]


class Facts(NamedTuple):
    """Facts of one signal in their order, each visible to predictions in (known, until]."""

    rank: Ints
    time: Ints
    known: Ints
    until: Ints
    value: Ints

    def take(self, index: NDArray[np.generic]) -> Facts:
        return Facts(*(column[index] for column in (self.rank, self.time, self.known, self.until, self.value)))


def statements(plan: Plan, events: pl.DataFrame, line: Timeline) -> Statements:
    """Events that can reach a feature, by code, with the instants between which each stood."""
    told = events.filter(pl.col("code").is_in(list(plan.codes)))
    rank = line.rank(told["subject_id"].to_numpy())
    told = told.with_columns(pl.Series("rank", rank)).filter(pl.col("rank") >= 0)
    stood = stand(told.with_columns(pl.col("time").to_physical(), known())).select("code", *_USED)
    return {str(code): part for (code,), part in stood.partition_by("code", as_dict=True, include_key=False).items()}


def known() -> pl.Expr:
    """When each event became known, in microseconds: at its time if nothing else is said; always, for a birth or a static fact."""
    own_time = pl.when(pl.col("code") != BIRTH).then(pl.col("time").to_physical())
    return pl.coalesce(pl.col("known_at").to_physical(), own_time, pl.lit(ALWAYS)).alias("known")


def stand(told: pl.DataFrame) -> pl.DataFrame:
    """Add `until`, when a later or stronger statement of the same subject, code and time became known; drop retractions."""
    strength = pl.col("status").replace_strict(RANK, default=0, return_dtype=pl.Int8).alias("strength")
    strong = told.filter(strength > 0).select(*_KEY, pl.col("known").alias("by"), strength.alias("by_strength")).unique()
    if not strong.height:
        return told.with_columns(pl.lit(NEVER).alias("until"))
    told = told.with_columns(strength).with_row_index("row")
    above = (pl.col("by") > pl.col("known")) | ((pl.col("by") == pl.col("known")) & (pl.col("by_strength") > pl.col("strength")))
    ends = told.join(strong, on=_KEY, nulls_equal=True).filter(above).group_by("row").agg(pl.col("by").min().alias("until"))
    stood = told.join(ends, on="row", how="left", maintain_order="left").with_columns(pl.col("until").fill_null(NEVER))
    return stood.filter(pl.col("strength") < RANK["retracted"])


def facts_of(block: Block, said: Statements) -> Facts:
    """The usable facts of one signal, in order."""
    parts = [part for code in block.signal.codes if code in said for part in [_coded(block.quantity, code, said[code])]]
    return _ordered(Facts(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))) if parts else Facts(*[_none()] * 5)


def _coded(quantity: Quantity, code: str, part: pl.DataFrame) -> Facts:
    part = part.filter(pl.col("time").is_not_null()) if part["time"].null_count() else part
    value, reason = _values(quantity, code, part)
    facts = Facts(part["rank"].to_numpy(), part["time"].to_numpy(), part["known"].to_numpy(), part["until"].to_numpy(), value)
    return facts if not reason.any() else facts.take(reason == 0)


def _values(quantity: Quantity, code: str, part: pl.DataFrame) -> tuple[Ints, NDArray[np.int8]]:
    """Millionths of the signal's unit of each event, and 0 or the reason why it is left out. Same steps as `Quantity.of`."""
    number = part["numeric_value"].cast(pl.Float32).cast(pl.Float64).fill_null(np.nan).to_numpy()
    scale, offset = _ways(quantity, code, part["unit"])
    value, reason = number * scale + offset, np.zeros(part.height, np.int8)
    reason[np.isnan(value)] = _REASONS.index("unit")
    reason[np.isnan(number)] = _REASONS.index("no value")
    if quantity.values:
        declared = _declared(quantity, code, part["text_value"])
        value, reason = np.where(np.isnan(declared), value, declared), np.where(np.isnan(declared), reason, 0).astype(np.int8)
    with np.errstate(invalid="ignore", over="ignore"):
        near = value.astype(np.float32).astype(np.float64)
        inside = (near >= quantity.low) & (near <= quantity.high) & (np.abs(value) * SCALE < LIMIT)
    reason[(reason == 0) & ~inside] = _REASONS.index("implausible")
    return np.rint(np.where(reason == 0, value, 0.0) * SCALE).astype(np.int64), reason


def _ways(quantity: Quantity, code: str, unit: pl.Series) -> tuple[Floats, Floats] | tuple[float, float]:
    """Scale and offset of each event's unit; nan where there is no declared way."""
    ways = {name: quantity.factor(code, name) or (np.nan, np.nan) for name in unit.unique().to_list()}
    if len(set(ways.values())) <= 1:
        return next(iter(ways.values()), (1.0, 0.0))
    scale, offset = (
        unit.replace_strict({u: way[i] for u, way in ways.items()}, return_dtype=pl.Float64).to_numpy() for i in (0, 1)
    )
    return scale, offset


def _declared(quantity: Quantity, code: str, text: pl.Series) -> Floats:
    """The number that `values` gives to each text, else to the code; nan for none."""
    known = text.replace_strict(quantity.values, default=None, return_dtype=pl.Float64)
    return known.fill_null(quantity.values.get(code, np.nan)).to_numpy()


def _ordered(facts: Facts) -> Facts:
    """Sorted by (subject, time, known_at, value); nothing to do for most signals of a sorted lake."""
    rises, ties = np.zeros(max(len(facts.rank) - 1, 0), bool), np.ones(max(len(facts.rank) - 1, 0), bool)
    for column in (facts.rank, facts.time, facts.known, facts.value):
        rises |= ties & (column[1:] > column[:-1])
        ties &= column[1:] == column[:-1]
    return facts if bool(np.all(rises | ties)) else facts.take(np.lexsort((facts.value, facts.known, facts.time, facts.rank)))


# --- facts without time, and what is left out -------------------------------------------------------


def static_facts(parts: list[tuple[str, pl.DataFrame]]) -> Facts:
    """Facts without time (of a birth: its time is its value), sorted by (subject, known_at, value)."""
    if not parts:
        return Facts(*[_none()] * 5)
    whole = pl.concat(_static_values(code, part) for code, part in parts).sort("rank", "known", "value")
    rank, known, until, value = (whole[name].to_numpy() for name in ("rank", "known", "until", "value"))
    return Facts(rank, known, known, until, value)


def _static_values(code: str, part: pl.DataFrame) -> pl.DataFrame:
    if code == BIRTH:
        return part.select("rank", "known", "until", pl.col("time").alias("value")).drop_nulls()
    part = part.filter(pl.col("time").is_null())
    value = _sex(code, part) if code in SEX_CODES else _fixed(part["numeric_value"])
    return part.select("rank", "known", "until").with_columns(value.alias("value")).drop_nulls()


def _sex(code: str, part: pl.DataFrame) -> pl.Series:
    return pl.repeat(SEX_CODES[code] * SCALE, part.height, dtype=pl.Int64, eager=True)


def _fixed(number: pl.Series) -> pl.Series:
    wide = number.cast(pl.Float32).cast(pl.Float64).fill_null(np.nan).to_numpy()
    fits = np.abs(wide) * SCALE < LIMIT
    return pl.Series(np.rint(np.where(fits, wide, 0.0) * SCALE).astype(np.int64)).set(pl.Series(~fits), None)


def usage(plan: Plan, events: pl.DataFrame) -> pl.DataFrame:
    """Per signal, unit and reason: how many events are used or left out."""
    told = events.filter(pl.col("code").is_in(list(plan.codes)) & pl.col("time").is_not_null())
    by_code = {str(code): part for (code,), part in told.partition_by("code", as_dict=True).items()}
    rows = [
        (block.signal.name, unit, _REASONS[reason], count)
        for block in plan.blocks
        for unit, reason, count in _reasons(block.quantity, [(c, by_code[c]) for c in block.signal.codes if c in by_code])
    ]
    return pl.DataFrame(
        rows, schema={"signal": pl.String, "unit": pl.String, "reason": pl.String, "events": pl.Int64}, orient="row"
    )


def _reasons(quantity: Quantity, parts: list[tuple[str, pl.DataFrame]]) -> Iterator[tuple[str | None, int, int]]:
    if not parts:
        return
    whole = pl.concat(part.select("unit", pl.Series("reason", _values(quantity, code, part)[1])) for code, part in parts)
    yield from whole.group_by("unit", "reason").len().sort("unit", "reason").iter_rows()


def _none() -> Ints:
    return np.zeros(0, np.int64)
