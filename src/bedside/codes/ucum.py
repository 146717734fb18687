"""Units as a number and a dimension, so that two units can be compared.

In        UCUM text in one spelling (`units.spelling`): "mg/dL", "10*3/uL", "mm[Hg]", "mL/min/{1.73_m2}"
Out       `Unit`: an exact fraction of base units (gram, metre, second, mole, ...), powers of those, and an offset for degrees
Source    UCUM 2.1, tables 1 to 6, the part that clinical measurements use; annotations in braces mean nothing (section 2.1 rule 6).
          An international unit is taken as an enzyme unit, [iU] as U: laboratories write the one for the other.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

Dimension = tuple[tuple[str, int], ...]


class Unit(NamedTuple):
    """value in base units = (number + offset) * scale."""

    scale: Fraction
    dimension: Dimension
    offset: Fraction = Fraction(0)


_F = Fraction
_PREFIXES = {"T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
_METRIC: dict[str, tuple[Fraction, dict[str, int]]] = {
    "g": (_F(1), {"g": 1}), "m": (_F(1), {"m": 1}), "s": (_F(1), {"s": 1}), "mol": (_F(1), {"mol": 1}), "eq": (_F(1), {"eq": 1}),
    "osm": (_F(1), {"osm": 1}), "U": (_F(1), {"U": 1}), "[iU]": (_F(1), {"U": 1}), "[IU]": (_F(1), {"U": 1}),
    "kat": (_F(60_000_000), {"U": 1}), "L": (_F(1, 1000), {"m": 3}), "l": (_F(1, 1000), {"m": 3}),
    "Pa": (_F(1000), {"g": 1, "m": -1, "s": -2}), "bar": (_F(100_000_000), {"g": 1, "m": -1, "s": -2}),
    "m[Hg]": (_F(133_322_000), {"g": 1, "m": -1, "s": -2}), "m[H2O]": (_F(9_806_650), {"g": 1, "m": -1, "s": -2}),
    "J": (_F(1000), {"g": 1, "m": 2, "s": -2}), "cal": (_F(4184), {"g": 1, "m": 2, "s": -2}),
    "W": (_F(1000), {"g": 1, "m": 2, "s": -3}), "Hz": (_F(1), {"s": -1}), "V": (_F(1), {"V": 1}), "K": (_F(1), {"K": 1}),
    "[cfu]": (_F(1), {"cfu": 1}), "[pH]": (_F(1), {}),
}  # fmt: skip
_PLAIN: dict[str, tuple[Fraction, dict[str, int]]] = {
    "%": (_F(1, 100), {}), "[ppth]": (_F(1, 1000), {}), "[ppm]": (_F(1, 10**6), {}), "[ppb]": (_F(1, 10**9), {}),
    "min": (_F(60), {"s": 1}), "h": (_F(3600), {"s": 1}), "d": (_F(86400), {"s": 1}), "wk": (_F(604_800), {"s": 1}),
    "mo": (_F(2_629_800), {"s": 1}), "a": (_F(31_557_600), {"s": 1}), "[in_i]": (_F("0.0254"), {"m": 1}),
    "[ft_i]": (_F("0.3048"), {"m": 1}), "[lb_av]": (_F("453.59237"), {"g": 1}), "[oz_av]": (_F("28.349523125"), {"g": 1}),
    "atm": (_F(101_325_000), {"g": 1, "m": -1, "s": -2}), "deg": (_F(1), {"deg": 1}), "[HPF]": (_F(1), {"hpf": 1}),
    "[LPF]": (_F(1), {"lpf": 1}), "[drp]": (_F(1, 20_000_000), {"m": 3}),
}  # fmt: skip
_DEGREES = {"Cel": Unit(_F(1), (("K", 1),), _F("273.15")), "[degF]": Unit(_F(5, 9), (("K", 1),), _F("459.67"))}
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_FACTOR = re.compile(r"(?:10[*^]([+-]?\d+)|(\d+))\Z")
_ATOM = re.compile(r"((?:[A-Za-z%]|\[[A-Za-z0-9_]+\])+?)([+-]?\d+)?\Z")


@lru_cache(maxsize=4096)
def unit(text: str) -> Unit | None:
    """The unit of a UCUM text, None when it is not one that we know.

    >>> unit("mg/dL") == unit("{glucose}10*-2.g/L"), unit("furlong")
    (True, None)
    """
    if text in _DEGREES:
        return _DEGREES[text]
    bare = _ANNOTATION.sub("", text)
    if not text or "(" in bare:
        return None
    scale, powers = _F(1), dict[str, int]()
    for sign, part in _parts(bare):
        found = _part(part)
        if found is None:
            return None
        scale *= found[0] ** sign
        for base, power in found[1].items():
            powers[base] = powers.get(base, 0) + sign * power
    return Unit(scale, tuple(sorted((base, power) for base, power in powers.items() if power)))


def _parts(bare: str) -> list[tuple[int, str]]:
    """Factors with their sign: a slash turns only what follows it (UCUM section 2.3.2)."""
    pieces = re.split(r"([./])", bare)
    signed = [(1, pieces[0])] + [(1 if mark == "." else -1, part) for mark, part in zip(pieces[1::2], pieces[2::2], strict=True)]
    return [(sign, part) for sign, part in signed if part]


def _part(part: str) -> tuple[Fraction, dict[str, int]] | None:
    number = _FACTOR.match(part)
    if number:
        return (_F(10) ** int(number.group(1)) if number.group(1) else _F(int(number.group(2)) or 1)), {}
    found = _ATOM.match(part)
    atom = _atom(found.group(1)) if found else None
    if found is None or atom is None:
        return None
    power = int(found.group(2) or 1)
    return atom[0] ** power, {base: size * power for base, size in atom[1].items()}


def _atom(name: str) -> tuple[Fraction, dict[str, int]] | None:
    plain = _PLAIN.get(name) or _METRIC.get(name)
    if plain is not None:
        return plain
    scaled = _METRIC.get(name[1:])
    if scaled is None or name[0] not in _PREFIXES:
        return None
    return scaled[0] * _F(10) ** _PREFIXES[name[0]], scaled[1]
