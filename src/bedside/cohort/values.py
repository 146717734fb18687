"""What one event is worth to one signal: a number in the signal's unit, held in fixed point.

In        an event's code, unit, numeric_value, text_value
Out       int64 millionths of the signal's unit, or the reason why the event is left out

Fixed point is what makes training and bedside equal: integers add up to the same sum in any order, so that a
column engine and a loop over one patient cannot differ in the last bit. A millionth is the resolution: declare a
signal in a unit in which that is fine (ng/mL, not g/L, for troponin).
"""

from __future__ import annotations

import math
from ctypes import c_float
from typing import Literal

from bedside.codes.units import factor
from bedside.core.task import Signal

SCALE = 1_000_000
LIMIT = 1 << 50
LeftOut = Literal["no value", "unit", "implausible"]
Factor = tuple[float, float]
_SAME: Factor = (1.0, 0.0)
_REMEMBERED = 4096


def single(value: float) -> float:
    """The nearest 32-bit float, as the lake stores it.

    >>> single(0.1)
    0.10000000149011612
    """
    return c_float(value).value


def fixed(value: float) -> int:
    """Millionths, half to even. Only for values inside LIMIT.

    >>> fixed(single(36.6)) == 36_599_998, fixed(2.5e-6)
    (True, 2)
    """
    return round(value * SCALE)


def usable(value: float) -> bool:
    """Whether a number fits the fixed-point range (about a billion either way); not for nan."""
    return abs(value) * SCALE < LIMIT


class Quantity:
    """How events become values of one signal: map, convert, check the plausible range."""

    def __init__(self, signal: Signal) -> None:
        self.unit, self.values = signal.unit, {word: float(number) for word, number in signal.values.items()}
        self.low = -math.inf if signal.low is None else single(signal.low)
        self.high = math.inf if signal.high is None else single(signal.high)
        self._factors: dict[tuple[str, str | None], Factor | None] = {}

    def factor(self, code: str, unit: str | None) -> Factor | None:
        """(scale, offset) from the event's unit to the signal's; None when there is no declared way."""
        if unit is None or self.unit is None or unit == self.unit:
            return _SAME
        key = (code, unit)
        if key not in self._factors:
            if len(self._factors) >= _REMEMBERED:
                self._factors.clear()
            self._factors[key] = factor(unit, self.unit, code)
        return self._factors[key]

    def declared(self, code: str, text: str | None) -> float | None:
        """The number that `values` gives to a text, else to the code itself."""
        found = self.values.get(text) if text is not None else None
        return found if found is not None else self.values.get(code)

    def of(self, code: str, unit: str | None, number: float | None, text: str | None) -> int | LeftOut:
        """The event's value in millionths, or why there is none."""
        value = self.declared(code, text) if self.values else None
        if value is None:
            if number is None or math.isnan(number):
                return "no value"
            way = self.factor(code, unit)
            if way is None:
                return "unit"
            value = single(number) * way[0] + way[1]
        if not self.low <= single(value) <= self.high or not usable(value):
            return "implausible"
        return fixed(value)
