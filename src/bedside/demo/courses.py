"""The shipped courses of illness, and variations on them.

In        data/*.parquet, made from clinosim's output by scripts/make_hospital.py
Out       `Course`: one patient's stays with vital signs as arrays; `deal` says which course each made patient takes
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from random import Random
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bedside.demo.records import Kind

Floats = NDArray[np.float64]
SIGNS = ("heart", "breath", "saturation", "celsius", "systolic", "diastolic", "oxygen")
DEFAULT_SEED = 1


class LabValue(NamedTuple):
    minute: int
    name: str
    value: float


class DrugOrder(NamedTuple):
    drug: str
    route: str
    dose: float | None
    unit: str | None
    often: str
    first: int
    last: int
    doses: int


@dataclass
class StayCourse:
    """One stay: minutes count from its start; `signs` has one row a round, columns as in SIGNS."""

    kind: Kind
    start: datetime
    minutes: int
    department: str
    ward: str | None
    bed: str | None
    complaint: str
    icd10: str | None
    diagnosis: str | None
    disease: str
    complications: list[str]
    died: bool
    at: Floats = field(default_factory=lambda: np.empty(0))
    signs: Floats = field(default_factory=lambda: np.empty((0, len(SIGNS))))
    awake: list[str] = field(default_factory=list)
    labs: list[LabValue] = field(default_factory=list)
    orders: list[DrugOrder] = field(default_factory=list)
    procedures: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Course:
    """One patient as shipped."""

    sex: str
    age: int
    height_cm: float
    weight_kg: float
    insurance: str
    smoking: str
    chronic: list[str]
    stays: list[StayCourse]


class Deal(NamedTuple):
    """Made patient number `patient` takes shipped course `course`; `fresh` means varied, not as shipped."""

    patient: int
    course: int
    fresh: bool


@lru_cache(maxsize=1)
def shipped() -> list[Course]:
    """The shipped courses, in their order."""
    stays = _stays()
    people = _table("patients")
    found: dict[int, list[StayCourse]] = {row["patient"]: [] for row in people.iter_rows(named=True)}
    for stay, patient in zip(stays, _table("stays")["patient"], strict=True):
        found[patient].append(stay)
    return [Course(row["sex"], row["age"], row["height_cm"], row["weight_kg"], row["insurance"], row["smoking"] or "unknown",
                   (row["chronic"] or "").split("|") if row["chronic"] else [], found[row["patient"]])
            for row in people.iter_rows(named=True)]  # fmt: skip


def deal(patients: int | None, seed: int) -> list[Deal]:
    """Which course each made patient takes. Seed 1 up to the shipped number: a subset, as shipped; else drawn with replacement."""
    there = len(shipped())
    wanted = there if patients is None else patients
    if seed == DEFAULT_SEED and wanted <= there:
        chosen = range(there) if wanted == there else sorted(Random("bedside subset").sample(range(there), wanted))
        return [Deal(index, index, False) for index in chosen]
    drawn = Random(f"bedside deal {seed}").choices(range(there), k=wanted)
    return [Deal(index, course, True) for index, course in enumerate(drawn)]


def varied(course: Course, draw: np.random.Generator) -> Course:
    """A variation: another age, other times, other values; the same illness. Deteriorations are drawn afterwards, for each anew."""
    age = int(np.clip(course.age + draw.integers(-5, 6), 18, 99))
    days = timedelta(days=int(draw.integers(-360, 1)), minutes=int(draw.integers(-300, 301)))
    size = float(np.exp(draw.normal(0.0, 0.03)))
    stays = [_varied_stay(stay, days, draw) for stay in course.stays]
    return replace(course, age=age, height_cm=course.height_cm * size,
                   weight_kg=course.weight_kg * float(np.exp(draw.normal(0.0, 0.1))), stays=stays)  # fmt: skip


def _varied_stay(stay: StayCourse, days: timedelta, draw: np.random.Generator) -> StayCourse:
    stretch = float(draw.uniform(0.85, 1.15)) if stay.kind == "IMP" else 1.0
    levels = {name: float(np.exp(draw.normal(0.0, 0.1))) for name in sorted({lab.name for lab in stay.labs})}
    at = np.clip(stay.at * stretch + draw.uniform(-40, 40, stay.at.size), 5, stay.minutes * stretch - 5)
    order = np.argsort(at, kind="stable")
    labs = [LabValue(_moved(lab.minute, stretch, draw), lab.name,
                     lab.value * levels[lab.name] * float(np.exp(draw.normal(0.0, 0.05))))
            for lab in stay.labs]  # fmt: skip
    orders = [one._replace(first=int(one.first * stretch), last=int(one.last * stretch)) for one in stay.orders]
    return replace(stay, start=stay.start + days, minutes=int(stay.minutes * stretch), at=at[order], signs=stay.signs[order],
                   awake=[stay.awake[index] for index in order], labs=sorted(labs), orders=orders,
                   procedures=[(int(minute * stretch), code) for minute, code in stay.procedures])  # fmt: skip


def _moved(minute: int, stretch: float, draw: np.random.Generator) -> int:
    return max(5, int(minute * stretch + draw.uniform(-25, 25)))


def _table(name: str) -> pl.DataFrame:
    return pl.read_parquet(files("bedside.demo").joinpath("data").joinpath(f"{name}.parquet").read_bytes())


def _stays() -> list[StayCourse]:
    rows = _table("stays").iter_rows(named=True)
    stays = [StayCourse(row["kind"], row["start"], row["minutes"], row["department"], row["ward"], row["bed"], row["complaint"]
                        or "",
                        row["icd10"], row["diagnosis"], (row["disease"] or "").split("|")[0],
                        (row["complications"] or "").split("|") if row["complications"] else [], row["died"] or False)
             for row in rows]  # fmt: skip
    for stay, part in _parts("vitals"):
        stays[stay].at = part["minute"].to_numpy().astype(float)
        stays[stay].signs = part.select(SIGNS).to_numpy().astype(float)
        stays[stay].awake = part["awake"].to_list()
    for stay, part in _parts("labs"):
        stays[stay].labs = [LabValue(m, n, v) for m, n, v in part.select("minute", pl.col("name").cast(pl.String),
                "value").iter_rows()]  # fmt: skip
    for stay, part in _parts("orders"):
        columns = ("drug", "route", "dose", "unit", "often", "first", "last", "count")
        stays[stay].orders = [DrugOrder(*row) for row in part.select(columns).iter_rows()]
    for stay, part in _parts("procedures"):
        stays[stay].procedures = list(part.select("minute", "cpt").iter_rows())
    return stays


def _parts(name: str) -> list[tuple[int, pl.DataFrame]]:
    groups: Any = _table(name).partition_by("stay", as_dict=True, maintain_order=True)
    return [(key[0], part) for key, part in groups.items()]
