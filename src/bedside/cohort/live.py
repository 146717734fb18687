"""Features of one patient at one time, in plain Python: what the bedside service calls on a FHIR prefetch.

In        the patient's events, in any order; prediction time and encounter start in microseconds of UTC
Out       float32 values in the plan's order, nan where there is nothing
Elsewhere the definition: `features.py`; the same over a whole lake: `columnar.py`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from bedside.cohort.plan import AGE, ALWAYS, BIRTH, MALE, RANK, SEX_CODES, YEAR_US, Block, Plan
from bedside.cohort.values import SCALE, fixed, single, usable
from bedside.core.events import Event
from bedside.core.time import HOUR_US

NAN = float("nan")
_Fact = tuple[int, int, int]
_Stand = tuple[int, int]


class Live:
    """A plan, indexed by event code."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._slots: dict[str, list[int]] = {}
        for slot, block in enumerate(plan.blocks):
            for code in block.signal.codes:
                self._slots.setdefault(code, []).append(slot)
        self._reach = max((block.reach_us for block in plan.blocks), default=0)
        self._empty = [_nothing(block) for block in plan.blocks]
        self._static = plan.static_fact_codes

    def compute(self, events: Sequence[Event], now: int, encounter_start: int | None) -> list[float]:
        """Every feature at `now`, in the plan's order."""
        standing = _superseders(events, now)
        facts = self._facts(events, now, standing)
        out: list[float] = []
        for block, held, empty in zip(self._plan.blocks, facts, self._empty, strict=True):
            if held:
                held.sort()
                _summaries(block, held, now, out)
            else:
                out.extend(empty)
        if self._plan.statics:
            out.extend(self._statics(events, now, standing))
        if self._plan.clock:
            out.append(NAN if encounter_start is None else (now - encounter_start) / HOUR_US)
        return array("f", out).tolist()

    def latest(self, events: Sequence[Event], now: int) -> dict[str, tuple[int, float]]:
        """Per signal the time and value of its last fact within the look back."""
        held = zip(self._plan.blocks, self._facts(events, now, _superseders(events, now)), strict=True)
        last = {block.signal.name: max(facts) for block, facts in held if facts and max(facts)[0] >= now - block.lookback_us}
        return {name: (time, value / SCALE) for name, (time, _, value) in last.items()}

    def _facts(self, events: Sequence[Event], now: int, standing: dict[tuple[str, int | None], _Stand]) -> list[list[_Fact]]:
        """Per signal, (time, known_at, value) of the facts that take part."""
        blocks, slots, since = self._plan.blocks, self._slots, now - self._reach
        facts: list[list[_Fact]] = [[] for _ in blocks]
        for event in events:
            time = event.time
            if event.code not in slots or time is None or not since <= time <= now:
                continue
            known = time if event.known_at is None else event.known_at
            if known >= now or (standing and _gone(event, known, standing)):
                continue
            for slot in slots[event.code]:
                value = blocks[slot].quantity.of(event.code, event.unit, event.numeric_value, event.text_value)
                if isinstance(value, int) and time >= now - blocks[slot].reach_us:
                    facts[slot].append((time, known, value))
        return facts

    def _statics(self, events: Sequence[Event], now: int, standing: dict[tuple[str, int | None], _Stand]) -> list[float]:
        """Age, sex and the declared facts without time: of each the latest known before `now`."""
        latest: dict[str, tuple[int, int]] = {}
        for event in events:
            if event.code not in self._static or (value := _static_value(event)) is None:
                continue
            known = ALWAYS if event.known_at is None else event.known_at
            if known >= now or (standing and _gone(event, known, standing)):
                continue
            name = MALE if event.code in SEX_CODES else event.code
            latest[name] = max(latest.get(name, (known, value)), (known, value))
        return [self._static_feature(name, latest, now) for name in self._plan.statics]

    def _static_feature(self, name: str, latest: dict[str, tuple[int, int]], now: int) -> float:
        told = latest.get(MALE if name == MALE else self._plan.static_codes.get(name, ""))
        if name != AGE:
            return NAN if told is None else told[1] / SCALE
        birth = latest.get(BIRTH)
        years = (now - birth[1]) // YEAR_US if birth else told[1] // SCALE if told else -1
        cap = self._plan.age_cap_years
        return NAN if years < 0 else float(years if cap is None else min(years, cap))


def _nothing(block: Block) -> list[float]:
    """The columns of a signal without facts."""
    return [*[NAN] * len(block.points), *[0.0 if span == "count" else NAN for _ in block.windows_us for span in block.spans]]


def _superseders(events: Sequence[Event], now: int) -> dict[tuple[str, int | None], _Stand]:
    """Of each (code, time) that was corrected or retracted before `now`: when, and how strongly, last."""
    standing: dict[tuple[str, int | None], _Stand] = {}
    for event in events:
        if event.status != "final":
            known = _known(event)
            if known < now:
                key, stand = (event.code, event.time), (known, RANK.get(event.status, 0))
                standing[key] = max(standing.get(key, stand), stand)
    return standing


def _known(event: Event) -> int:
    if event.known_at is not None:
        return event.known_at
    return ALWAYS if event.time is None or event.code == BIRTH else event.time


def _gone(event: Event, known: int, standing: dict[tuple[str, int | None], _Stand]) -> bool:
    """Whether a later or stronger statement stands in this one's place; a retraction is never a fact itself."""
    rank = RANK.get(event.status, 0)
    return rank == 2 or (known, rank) < standing.get((event.code, event.time), (ALWAYS, -1))


def _static_value(event: Event) -> int | None:
    """Millionths of a fact without time; of a birth its time."""
    if event.code == BIRTH:
        return event.time
    if event.time is not None:
        return None
    if event.code in SEX_CODES:
        return SEX_CODES[event.code] * SCALE
    number = None if event.numeric_value is None else single(event.numeric_value)
    return fixed(number) if number is not None and usable(number) else None


def _summaries(block: Block, facts: list[_Fact], now: int, out: list[float]) -> None:
    """Append one signal's columns; `facts` are sorted and not empty."""
    last_time, _, last = facts[-1]
    inside = last_time >= now - block.lookback_us
    for point in block.points:
        out.append(NAN if not inside else last / SCALE if point == "last" else (now - last_time) / HOUR_US)
    values = [fact[2] for fact in facts]
    for window in block.windows_us:
        start = bisect_left(facts, (now - window,))
        held = values[start:]
        if held:
            low, high, count = min(held), max(held), len(held)
            made = {"count": float(count), "mean": float(sum(held)) / (count * SCALE), "min": low / SCALE, "max": high / SCALE,
                    "range": (high - low) / SCALE, "delta": (last - held[0]) / SCALE}  # fmt: skip
            out.extend([made[span] for span in block.spans])
        else:
            out.extend([0.0 if span == "count" else NAN for span in block.spans])
