"""The made hospital as its EHR would answer a prefetch: raw FHIR, cut at what was known before a moment.

In        the raw NDJSON of Patient, Encounter and Observation
Out       `RawHospital.prefetch`: the three keys that the service asks for, as they stood at that moment
Never     the lake, or anything made from it: this is the other side of the wire
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Resource = dict[str, Any]
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class RawHospital:
    """The raw resources by patient; broken lines are passed over, as an EHR would not hold them."""

    def __init__(self, folder: Path) -> None:
        self.patients = {one["id"]: one for one in _lines(folder / "Patient.ndjson")}
        self.encounters = {one["id"]: one for one in _lines(folder / "Encounter.ndjson")}
        found: dict[str, list[tuple[datetime, Resource]]] = defaultdict(list)
        for one in _lines(folder / "Observation.ndjson"):
            found[one.get("subject", {}).get("reference", "")].append((moment(one.get("issued")) or _ALWAYS, one))
        self._observations = {who: sorted(told, key=lambda pair: pair[0]) for who, told in found.items()}

    def started(self, encounter_id: str) -> datetime:
        """When an encounter began, in UTC."""
        began = moment(self.encounters[encounter_id]["period"]["start"])
        assert began is not None
        return began

    def prefetch(self, encounter_id: str, at: datetime) -> dict[str, Resource]:
        """Patient, encounter and observations as they were known before `at`."""
        encounter = self.encounters[encounter_id]
        reference = encounter["subject"]["reference"]
        told = self._observations.get(reference, [])
        known = [one for _, one in told[: bisect_left(told, at, key=lambda pair: pair[0])]]
        return {
            "patient": self.patients[reference.removeprefix("Patient/")],
            "encounter": _open(encounter, at),
            "observations": bundle(known),
        }


def request(prefetch: dict[str, Resource], at: datetime) -> Resource:
    """The body of a patient-view call that replays the past; only `bedside serve --replay` takes its time from it."""
    return {
        "hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/x", "patientId": prefetch["patient"]["id"]},
        "prefetch": prefetch, "extension": {"bedside.prediction-time": at.isoformat()},
    }  # fmt: skip


def bundle(resources: list[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": "searchset", "total": len(resources), "entry": [{"resource": one} for one in resources]}


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _open(encounter: Resource, at: datetime) -> Resource:
    """The encounter as it stood at `at`: an end still to come, and later places, are not known."""
    kept = {**encounter, "period": dict(encounter["period"])}
    end = moment(kept["period"].get("end"))
    if end and end >= at:
        kept["period"].pop("end")
        kept["status"] = "in-progress"
    kept["location"] = [one for one in kept.get("location", []) if (moment(one.get("period", {}).get("start")) or at) < at]
    return kept


def _lines(path: Path) -> list[Resource]:
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return [one for one in found if isinstance(one, dict) and "id" in one]
