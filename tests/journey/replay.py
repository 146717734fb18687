"""Independent of the lake: raw FHIR, cut at a moment, as an EHR would send it in a prefetch."""

from __future__ import annotations

import http.client
import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class RawHospital:
    """The raw NDJSON of one source, by patient; broken lines are passed over, as an EHR would not hold them."""

    def __init__(self, folder: Path) -> None:
        self.patients = {r["id"]: r for r in _lines(folder / "Patient.ndjson")}
        self.encounters = {r["id"]: r for r in _lines(folder / "Encounter.ndjson")}
        self.observations: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for resource in _lines(folder / "Observation.ndjson"):
            self.observations[resource.get("subject", {}).get("reference", "")].append(resource)

    def prefetch(self, encounter_id: str, at: datetime) -> dict[str, Any]:
        """Patient, encounter and observations as they were known before `at`."""
        encounter = self.encounters[encounter_id]
        reference = encounter["subject"]["reference"]
        known = [o for o in self.observations[reference] if (moment(o.get("issued")) or at) < at]
        return {
            "patient": self.patients[reference.removeprefix("Patient/")],
            "encounter": _open(encounter, at),
            "observations": bundle(known),
        }


def bundle(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "total": len(resources), "entry": [{"resource": r} for r in resources]}


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _open(encounter: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The encounter as it stood at `at`: an end still to come, and later places, are not known."""
    kept = json.loads(json.dumps(encounter))
    end = moment(kept["period"].get("end"))
    if end and end >= at:
        kept["period"].pop("end")
        kept["status"] = "in-progress"
    kept["location"] = [p for p in kept.get("location", []) if (moment(p.get("period", {}).get("start")) or at) < at]
    return kept


def _lines(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return [r for r in found if isinstance(r, dict) and "id" in r]


class Hook:
    """One keep-alive connection to a CDS Hooks service."""

    def __init__(self, host: str, port: int) -> None:
        self._link = http.client.HTTPConnection(host, port, timeout=30)
        self._link.request("GET", "/cds-services")
        self.service = json.loads(self._link.getresponse().read())["services"][0]["id"]

    def ask(self, prefetch: dict[str, Any], at: datetime) -> tuple[int, dict[str, Any]]:
        body = {
            "hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": {"userId": "Practitioner/x", "patientId": prefetch["patient"]["id"]},
            "prefetch": prefetch, "extension": {"bedside.prediction-time": at.isoformat()},
        }  # fmt: skip
        self._link.request("POST", f"/cds-services/{self.service}", json.dumps(body), {"Content-Type": "application/json"})
        answer = self._link.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self) -> None:
        self._link.close()
