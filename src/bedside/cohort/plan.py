"""A feature definition, compiled once for both back ends: which columns, in which order, from which codes and windows.

In        core.task.Features
Out       `Plan`: signal blocks, static facts, the clock; or `Misconfigured` with every fault of the definition
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bedside.cohort.values import Quantity
from bedside.core.errors import Misconfigured
from bedside.core.task import Features, Signal, Summary
from bedside.core.time import DAY_US, HOUR_US

YEAR_US = 3_652_425 * DAY_US // 10_000
BIRTH, SEX_CODES = "MEDS_BIRTH", {"SEX//male": 1, "SEX//female": 0}
AGE, MALE, CLOCK = "age_years", "sex_male", "clock.hours"
RANK = {"final": 0, "corrected": 1, "retracted": 2}
ALWAYS = -(1 << 62)
Kind = Literal["physiology", "workup", "static", "clock"]
_POINTS = ("last", "age")


class Block(msgspec.Struct, frozen=True):
    """One signal: its columns are `points` (over the look back), then `spans` for each window; `reach_us` covers both."""

    signal: Signal
    quantity: Quantity
    points: tuple[Summary, ...]
    spans: tuple[Summary, ...]
    windows_us: tuple[int, ...]
    lookback_us: int
    reach_us: int
    names: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True):
    """A whole definition. `statics` are feature names; `static_codes` gives the code of those that are a fact without time."""

    blocks: tuple[Block, ...]
    statics: tuple[str, ...]
    static_codes: dict[str, str]
    clock: bool
    age_cap_years: int | None
    names: tuple[str, ...]

    @property
    def static_fact_codes(self) -> frozenset[str]:
        """Codes of birth, sex and the facts without time that are asked for."""
        birth, sex = {BIRTH} if AGE in self.statics else set(), set(SEX_CODES) if MALE in self.statics else set()
        return frozenset(birth | sex | set(self.static_codes.values()))

    @property
    def codes(self) -> frozenset[str]:
        """Every event code that can reach a feature."""
        return self.static_fact_codes | {code for block in self.blocks for code in block.signal.codes}


def compile_plan(features: Features) -> Plan:
    """The definition as the back ends need it; `Misconfigured` names every fault at once."""
    faults = _faults(features)
    if faults:
        raise Misconfigured("; ".join(faults), where="task.features", do="correct the definition in study.toml")
    blocks = tuple(_block(signal, features) for signal in features.signals)
    statics = tuple(dict.fromkeys([*features.static, *features.static_codes]))
    names = (*(name for block in blocks for name in block.names), *statics, *[CLOCK] * features.clock)
    return Plan(blocks, statics, dict(features.static_codes), features.clock, features.age_cap_years, names)


def _block(signal: Signal, features: Features) -> Block:
    summaries = features.summaries if signal.summaries is None else signal.summaries
    hours = features.windows_hours if signal.windows_hours is None else signal.windows_hours
    points = tuple(s for s in summaries if s in _POINTS)
    spans = tuple(s for s in summaries if s not in _POINTS)
    windows = tuple(h * HOUR_US for h in hours) if spans else ()
    lookback = features.lookback_hours * HOUR_US
    names = [f"{signal.name}.{s}" for s in points] + [f"{signal.name}.{s}_{h}h" for h in hours for s in spans]
    reach = max([lookback] * bool(points) + list(windows), default=0)
    return Block(signal, Quantity(signal), points, spans, windows, lookback, reach, tuple(names))


def _faults(features: Features) -> list[str]:
    signals, names = features.signals, [signal.name for signal in features.signals]
    hours: list[tuple[str, list[int]]] = [("windows_hours", features.windows_hours), ("lookback_hours", [features.lookback_hours])]
    hours += [(f"windows_hours of signal {s.name!r}", s.windows_hours) for s in signals if s.windows_hours is not None]
    summaries: list[tuple[str, list[Summary]]] = [("summaries", features.summaries)]
    summaries += [(f"summaries of signal {s.name!r}", s.summaries) for s in signals if s.summaries is not None]
    return [
        *(f"two signals are called {name!r}" for name in sorted({n for n in names if names.count(n) > 1})),
        *(f"a name is letters, digits, - and _, not {n!r}" for n in [*names, *features.static_codes] if not _is_name(n)),
        *(f"static_codes may not be called {MALE!r}: it comes from the SEX code" for _ in [0] if MALE in features.static_codes),
        *(f"signal {s.name!r} has no codes, or one twice" for s in signals if not s.codes or len(set(s.codes)) < len(s.codes)),
        *(f"signal {s.name!r} has low above high" for s in signals if s.low is not None and s.high is not None and s.low > s.high),
        *(f"{place} must be above 0" for place, many in hours if min(many, default=1) <= 0),
        *(f"{place} holds one twice" for place, many in hours if len(set(many)) < len(many)),
        *(f"{place} holds one twice" for place, told in summaries if len(set(told)) < len(told)),
    ]  # fmt: skip


def _is_name(name: str) -> bool:
    return name.isascii() and name.replace("_", "").replace("-", "").isalnum()
