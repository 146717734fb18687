"""How the values of a quasi-identifier may be told less exactly: levels, each a coarsening of the one before, the last one "*".

In        a column of texts, its name; or a hierarchy of the user's: CSV, first column the value, then its levels
Out       `Hierarchy`: per level what each record says, and how much of the column's values are merged in it
Built in  ages in bands of 5, 10 and 20 years (90 and above are one: 45 CFR 164.514(b)(2)(i)(C)); dates by month, quarter, year and
          decade; zip codes by digits; numbers in bins of equal numbers of records; words by the 10, 5 and 2 most frequent, else "other"
Loss      normalised certainty penalty: the share of the column's distinct values with which a value is merged, 0 when with none
          (Xu et al., KDD 2006, equation 1, over distinct values)
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bedside.core.errors import Malformed, Misconfigured

ALL = "*"
_DATE = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?(?:[T ].*)?\Z")
_ZIP = re.compile(r"(\d{5})(?:-\d{4})?\Z")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?\Z")
_AGE_NAME, _ZIP_NAME = (
    re.compile(r"(?:^|_)age(?:_|$|s$)|alter", re.IGNORECASE),
    re.compile(r"zip|postal|postcode|plz", re.IGNORECASE),
)
_BANDS, _BINS, _FREQUENT, _OLD = (5, 10, 20), (32, 16, 8, 4, 2), (10, 5, 2), 90
_FEW_NUMBERS = 8


class Hierarchy(NamedTuple):
    """Levels of one column.

    name     of the column
    kind     how it was made, in words
    labels   per level, what each distinct value becomes; level 0 is the value itself
    codes    (levels, records) int32, equal where two records say the same at a level
    loss     (levels, records) float32, 0..1
    """

    name: str
    kind: str
    labels: list[list[str]]
    codes: NDArray[np.int32]
    loss: NDArray[np.float32]

    @property
    def levels(self) -> int:
        return len(self.labels)

    def column(self, level: int, records: NDArray[np.bool_]) -> pl.Series:
        """What the kept records say at a level."""
        said = np.array(self.labels[level], dtype=object)[self.codes[0][records]]
        return pl.Series(self.name, said.tolist(), dtype=pl.String)


def hierarchy(column: pl.Series, given: Path | None = None) -> Hierarchy:
    """The hierarchy of a column: the user's, or the built-in one that its values and its name ask for."""
    texts = column.cast(pl.String).fill_null("")
    values = texts.unique().sort()
    known: list[str] = values.to_list()
    at = texts.to_frame("v").join(pl.DataFrame({"v": values, "at": range(len(known))}), on="v", how="left", maintain_order="left")[
        "at"
    ]
    codes = at.to_numpy().astype(np.int32)
    counts = np.bincount(codes, minlength=len(known))
    kind, labels = _given(known, given, column.name) if given is not None else _built(column.name, known, counts)
    return _made(column.name, kind, [known, *labels], codes)


def _made(name: str, kind: str, labels: list[list[str]], codes: NDArray[np.int32]) -> Hierarchy:
    """Without levels that change nothing; the last level is one value."""
    levels = [labels[0]]
    for one in [*labels[1:], [ALL] * len(labels[0])]:
        if len(set(one)) < len(set(levels[-1])):
            levels.append(one)
    by_level, losses = [], []
    for one in levels:
        _, at, many = np.unique(np.array(one, dtype=object).astype(str), return_inverse=True, return_counts=True)
        share = np.where(many > 1, many / len(one), 0.0)[at]
        by_level.append(at.astype(np.int32)[codes])
        losses.append(share.astype(np.float32)[codes])
    by_level[0] = codes
    return Hierarchy(name, kind, levels, np.array(by_level), np.array(losses))


def _given(values: list[str], path: Path, name: str) -> tuple[str, list[list[str]]]:
    """The user's levels: CSV with commas or semicolons, a line a value."""
    if not path.is_file():
        raise Misconfigured("no such file of a hierarchy", where=f"--hierarchy {name}", do="correct the path")
    text = path.read_text("utf-8-sig")
    rows = [row for row in csv.reader(text.splitlines(), delimiter=";" if text.count(";") > text.count(",") else ",") if row]
    found = {row[0]: row[1:] for row in rows}
    depth = {len(levels) for levels in found.values()}
    lacking = sum(value not in found for value in values)
    if lacking or len(depth) != 1:
        what = (
            f"{lacking} of {len(values)} values of the column have no line"
            if lacking
            else "its lines have different numbers of levels"
        )
        raise Malformed(
            f"the hierarchy does not fit: {what}", where=f"--hierarchy {name}", do="write one line a value, with all its levels"
        )
    levels = [[found[value][at] for value in values] for at in range(depth.pop())]
    _nested(values, levels, name)
    return "given by the user", levels


def _nested(values: list[str], levels: list[list[str]], name: str) -> None:
    """Values that are one at a level must be one at the next, or a coarser table could tell more."""
    for at, (fine, coarse) in enumerate(zip([values, *levels], levels, strict=False)):
        if len(set(zip(fine, coarse, strict=True))) > len(set(fine)):
            raise Malformed("the hierarchy does not nest: values that are one at a level are several at the next",
                            where=f"--hierarchy {name}, level {at + 1}", do="let each level merge whole groups of the one before")  # fmt: skip


def _built(name: str, values: list[str], counts: NDArray[np.int64]) -> tuple[str, list[list[str]]]:
    filled = [value for value in values if value]
    if filled and all(map(_DATE.match, filled)):
        return "date: month, quarter, year, decade", [
            [_date(value, unit) for value in values] for unit in ("month", "quarter", "year", "decade")
        ]
    if filled and _ZIP_NAME.search(name) and all(map(_ZIP.match, filled)):
        return "zip code: 4, 3, 2 and 1 digits", [
            [value[:digits].ljust(5, ALL) if value else "" for value in values] for digits in (4, 3, 2, 1)
        ]
    if filled and all(map(_NUMBER.match, filled)):
        if _AGE_NAME.search(name):
            return "age: bands of 5, 10 and 20 years, 90 and above one", [_banded(values, width) for width in _BANDS]
        if len(filled) > _FEW_NUMBERS:
            return "number: bins of equal numbers of records", [_binned(values, counts, bins) for bins in _BINS]
    order = sorted(range(len(values)), key=lambda at: (-int(counts[at]), values[at]))
    return "most frequent values, else other", [_frequent(values, order[:top]) for top in _FREQUENT if top < len(values)]


def _date(value: str, unit: str) -> str:
    found = _DATE.match(value)
    if found is None:
        return ""
    year, month = found[1], found[2]
    told: dict[str, Callable[[], str]] = {
        "month": lambda: f"{year}-{month}",
        "quarter": lambda: f"{year}-Q{(int(month) + 2) // 3}",
        "year": lambda: year,
        "decade": lambda: f"{year[:3]}0s",
    }
    return told[unit]()


def _banded(values: Sequence[str], width: int) -> list[str]:
    def band(value: str) -> str:
        if not value:
            return ""
        low = int(float(value) // width * width)
        return f"{_OLD}+" if float(value) >= _OLD else f"{low}-{min(low + width, _OLD) - 1}"

    return [band(value) for value in values]


def _binned(values: Sequence[str], counts: NDArray[np.int64], bins: int) -> list[str]:
    """Bins that nest: each is cut in two for the next finer level, where half of its records lie below."""
    numbers = sorted({float(value) for value in values if value})
    weight = dict.fromkeys(numbers, 0)
    for value, count in zip(values, counts, strict=True):
        if value:
            weight[float(value)] += int(count)
    cuts = _halved(numbers, weight, bins)
    where = {number: part for part in cuts for number in part}
    return [f"{where[float(value)][0]:g} to {where[float(value)][-1]:g}" if value else "" for value in values]


def _halved(numbers: list[float], weight: dict[float, int], bins: int) -> list[list[float]]:
    if bins == 1 or len(numbers) < 2:
        return [numbers]
    running = np.cumsum([weight[number] for number in numbers])
    cut = min(max(1, int(np.searchsorted(running, running[-1] / 2)) + 1), len(numbers) - 1)
    return _halved(numbers[:cut], weight, bins // 2) + _halved(numbers[cut:], weight, bins // 2)


def _frequent(values: Sequence[str], kept: Sequence[int]) -> list[str]:
    stay = set(kept)
    return [value if at in stay else "other" for at, value in enumerate(values)]
