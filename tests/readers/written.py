"""Clinical documents as tests write them: short, and only with what the test is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from bedside.formats.files import Format, RawFile
from bedside.readers.read import read
from bedside.readers.reading import Reading

Resource = dict[str, Any]


def reading(folder: Path, form: Format, data: bytes, *, name: str = "file.dat", timezone: str | None = None) -> Reading:
    """The data written to a file and read."""
    path = folder / name
    path.write_bytes(data)
    return read(RawFile("ward", form, path, name, name), timezone=timezone)


def ndjson(*resources: Resource) -> bytes:
    return b"".join(json.dumps(resource).encode() + b"\n" for resource in resources)


def observation(**changes: Any) -> Resource:
    """A heart rate of 88, measured at 10:00 and issued at 10:05 UTC."""
    resource = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]},
        "subject": {"reference": "Patient/P000000000017"},
        "encounter": {"reference": "Encounter/E1"},
        "effectiveDateTime": "2026-03-08T12:00:00+02:00",
        "issued": "2026-03-08T10:05:00Z",
        "valueQuantity": {"value": 88, "unit": "beats/min", "system": "http://unitsofmeasure.org", "code": "/min"},
    }
    resource.update(changes)
    return {name: value for name, value in resource.items() if value is not None}


def coded(system: str, code: str, display: str | None = None) -> Resource:
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]}


def message(kind: str, *segments: str, number: str = "1", sent: str = "20260308100500+0000") -> bytes:
    """A message of that type and trigger about P000000000017, with the segments given after PID."""
    head = f"MSH|^~\\&|LAB|H|EHR|H|{sent}||{kind}|{number}|P|2.5.1"
    return "\r".join([head, "PID|1||P000000000017^^^H^MR||X^Y||19500102|F|||||||||", *segments, ""]).encode()


def clinical(found: Reading) -> pl.DataFrame:
    """The events of a reading without who the patient is."""
    return found.events.filter(pl.col("known_at").is_not_null())


def codes(found: Reading) -> list[str]:
    return found.events["code"].to_list()
