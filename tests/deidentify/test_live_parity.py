"""Under every policy the model learns from the same numbers that the bedside computes: raw FHIR through both ways."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from random import Random
from typing import Any

import polars as pl
import pytest

from bedside.cohort.features import FeatureSet
from bedside.core.events import Event, frame
from bedside.core.task import Features, Signal
from bedside.core.time import HOUR_US, iso_instant, utc_text
from bedside.deidentify.live import first_instant, generalise
from bedside.deidentify.policy import NAMES
from bedside.readers.fhir import resource_events

from .conftest import Hospital

Resource = dict[str, Any]
START = iso_instant("2026-02-27T15:20:00Z", where="test").us
BIRTHS = {
    "93 years": "1932-05-17",
    "90 in the stay": "1936-03-01",
    "90 on no day": "1936-02-29",
    "89 in the stay": "1937-02-28",
    "leap day": "1960-02-29",
    "born in January": "1950-01-05",
    "born in December": "1950-12-30",
    "first of the year": "1971-01-01",
    "year alone": "1961",
    "month alone": "1962-12",
    "infant": "2025-02-28",
}
FEATURES = FeatureSet(
    Features(
        [
            Signal("heart_rate", ["LOINC//8867-4"], summaries=["last", "age", "count", "mean", "min", "max", "range", "delta"]),
            Signal("systolic", ["LOINC//8480-6"], summaries=["last", "age", "mean"]),
            Signal("told_age", ["LOINC//30525-0", "LOINC//29553-5"], summaries=["last", "mean"]),
            Signal("alertness", ["LOINC//80288-4"], values={"Alert": 0.0, "Drowsy": 1.0}, summaries=["last", "mean"]),
        ],
        windows_hours=[6, 48],
        lookback_hours=72,
    )
)


def stay(name: str, birth: str, chance: Random) -> list[Resource]:
    about = {"reference": f"Patient/{name}"}
    patient = {"resourceType": "Patient", "id": name, "birthDate": birth, "gender": chance.choice(["male", "female"]),
               "address": [{"state": "NY", "postalCode": "10301"}]}  # fmt: skip
    encounter = {"resourceType": "Encounter", "id": f"visit-{name}", "status": "in-progress", "class": {"code": "IMP"},
                 "subject": about, "period": {"start": utc_text(START)}}  # fmt: skip
    return [patient, encounter, *(observed(about, chance) | {"id": f"{name}-{i}"} for i in range(24))]


def observed(about: Resource, chance: Random) -> Resource:
    hours = chance.uniform(-9, 70)
    when = chance.choice([written(hours), written(hours), written(hours)[:10], utc_text(START + round(hours) * HOUR_US)])
    base = {"resourceType": "Observation", "status": chance.choice(["final", "final", "final", "corrected"]), "subject": about,
            "effectiveDateTime": when}  # fmt: skip
    if chance.random() < 0.4:
        base["issued"] = written(hours + chance.uniform(0, 30))
    age = {"value": chance.choice([88, 89, 90, 93]), "unit": chance.choice(["a", "years"])}
    return base | chance.choice(
        [
            {"code": loinc("8867-4"), "valueQuantity": {"value": chance.randint(40, 160), "code": "/min"}},
            {
                "code": loinc("85354-9"),
                "component": [{"code": loinc("8480-6"), "valueQuantity": {"value": 128.5, "code": "mm[Hg]"}}],
            },
            {"code": loinc("30525-0"), "valueQuantity": age},
            {"code": loinc("75310-3"), "component": [{"code": loinc("29553-5"), "valueQuantity": age}]},
            {"code": loinc("80288-4"), "valueString": chance.choice(["Alert", "Drowsy", "Other"])},
        ]
    )


def loinc(code: str) -> Resource:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def written(hours: float) -> str:
    """With a fraction and an offset that is not UTC's."""
    return utc_text(START - 5 * HOUR_US + round(hours * HOUR_US))[:19] + ".125-05:00"


def read(resources: list[Resource]) -> list[Event]:
    return [event for resource in resources for event in resource_events(resource, source="x")]


def bits(row: tuple[float | None, ...] | list[float]) -> list[bytes]:
    return [b"missing" if value is None or value != value else struct.pack("<f", value) for value in row]


def trained(events: list[Event], began: int, hours: range) -> list[list[bytes]]:
    """The rows of a lake, at hours of the stay as the lake dates it."""
    times = [began + hour * HOUR_US for hour in hours]
    plan = pl.DataFrame(
        {"unit_id": list(map(str, hours)), "subject_id": events[0].subject_id, "prediction_time": times, "encounter_start": began},
        schema_overrides={"prediction_time": pl.Datetime("us"), "encounter_start": pl.Datetime("us")},
    )
    chart = frame(sorted(events, key=lambda event: (event.time is not None, event.time or 0)))
    return [bits(row) for row in FEATURES.columnar(chart, plan).drop("unit_id").iter_rows()]


def at_the_bedside(resources: list[Resource], policy: str, at: int) -> list[bytes]:
    first = first_instant(resources, policy)
    events = read([generalise(one, policy, at=at, first=first) for one in resources])
    return bits(FEATURES.live(events, prediction_time=at, encounter_start=START))


@pytest.mark.parametrize("policy", NAMES)
@pytest.mark.parametrize("who", BIRTHS)
def test_training_and_bedside_compute_the_same_features(empty: Hospital, policy: str, who: str) -> None:
    raw = stay("p1", BIRTHS[who], Random(who))
    file = empty.put("fhir", "all.ndjson", b"".join(json.dumps(one).encode() + b"\n" for one in raw))
    empty.survey()
    lake = read([json.loads(line) for line in empty.safe(file, policy).splitlines()])
    began = next(event.time for event in lake if event.code.startswith("ENCOUNTER_START"))
    assert began is not None
    hours = range(1, 72, 5)
    learned = trained(lake, began, hours)
    assert learned == [at_the_bedside(raw, policy, START + hour * HOUR_US) for hour in hours]
    assert any(one != other for one, other in pairwise(learned))


PLACES: list[Resource] = [
    {"location": {"reference": "Location/1", "display": "Medical ICU"}},
    {"location": {"reference": "Location/2", "display": "SWEDISH ISSAQUAH"}},
    {"location": {"reference": "Location/2", "display": "SWEDISH ISSAQUAH"}, "physicalType": {"coding": [{"code": "wa"}]}},
    {"location": {"display": "CAREPLUS MEDICAL CENTER - KENMORE", "identifier": {"value": "CP-17"}}, "physicalType": {"coding": [{"code": "bd"}]}},
    {"location": {"identifier": {"system": "http://hospital.example/wards", "value": "W-17"}}, "physicalType": {"text": "Ward"}},
    {"location": {"reference": "Location/3", "display": "Bed 4E-07"}, "physicalType": {"coding": [{"code": "bd"}]}},
    {"location": {"reference": "Location/4", "display": "Room 4127"}},
    {"location": {"reference": "Location/5"}, "physicalType": {"coding": [{"system": "http://hospital.example", "code": "SWEDISH"}], "text": "Swedish Issaquah"}},
    {"location": {"reference": "Location/6"}, "physicalType": {"coding": [{"system": "http://hospital.example", "code": "PACU"}, {"code": "wa"}]}},
]


@pytest.mark.parametrize("policy", NAMES)
def test_training_and_bedside_read_the_same_places_and_neither_reads_a_hospital(empty: Hospital, policy: str) -> None:
    raw = stay("p1", "1960-02-29", Random(policy))
    raw[1] |= {"location": [place | {"period": {"start": utc_text(START + hour * HOUR_US)}} for hour, place in enumerate(PLACES)]}
    file = empty.put("fhir", "all.ndjson", b"".join(json.dumps(one).encode() + b"\n" for one in raw))
    empty.survey()
    lake = placed(read([json.loads(line) for line in empty.safe(file, policy).splitlines()]))
    assert lake == placed(read([generalise(one, policy, at=START) for one in raw]))
    assert {"LOCATION//ICU", "LOCATION//BED-4E-07"} <= set(lake)
    if policy in ("expert-determination", "safe-harbor"):
        assert lake == ["LOCATION//ICU", "LOCATION//WARD", "LOCATION//BED", "LOCATION//WARD", "LOCATION//BED-4E-07", "LOCATION//PACU"]


def placed(events: list[Event]) -> list[str]:
    return [event.code for event in events if event.code.startswith("LOCATION//")]
