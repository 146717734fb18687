"""A small real bundle, requests to it, and the rules that every CDS Hooks response keeps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bedside.bundle.calibration import Calibration
from bedside.bundle.scorer import Scorer
from bedside.bundle.store import seal
from bedside.cohort.features import FeatureSet
from bedside.core.task import Features, Outcome, Prediction, Signal, Task
from bedside.serve.app import application

AT = "2026-03-08T12:00:00Z"
SERVICE = "deterioration"
VITALS = {
    "heart_rate": ("8867-4", "/min", 88),
    "respiratory_rate": ("9279-1", "/min", 22),
    "systolic_bp": ("8480-6", "mm[Hg]", 105),
    "temperature": ("8310-5", "Cel", 38.1),
    "oxygen_saturation": ("59408-5", "%", 94),
}
FEATURES = Features(
    signals=[Signal(name, [f"LOINC//{code}"], unit=unit, low=0, high=400) for name, (code, unit, _) in VITALS.items()],
    windows_hours=[6, 24],
)
TASK = Task(
    "deterioration",
    Outcome("deterioration", ["LOCATION//ICU"], to_hours=24),
    FEATURES,
    Prediction(start_codes=["ENCOUNTER_START//IMP"]),
)


def bundle(folder: Path, *, made: bool = False) -> Path:
    """A logistic model on the last values, the heart rate above all, sealed."""
    names = FeatureSet(FEATURES).names
    steep = [(2.0 if name.startswith("heart_rate") else 0.1) * name.endswith(".last") for name in names]
    weights = {"centre": [70.0] * len(names), "scale": [20.0] * len(names), "coefficient": steep, "intercept": -2.0}
    main = Scorer(
        "logistic", {"logistic.json": msgspec.json.encode(weights)}, names, names, calibration=Calibration("platt"), where="test"
    )
    seal(
        folder,
        name=SERVICE,
        main=main,
        beside={},
        task=TASK,
        thresholds={"alert": 0.5},
        training={},
        reference={},
        card={},
        made=made,
    )
    return folder


def observation(signal: str, at: str = "2026-03-08T10:00:00Z", **changes: Any) -> dict[str, Any]:
    code, unit, value = VITALS[signal]
    return {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": at,
        "issued": at,
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": {"value": value, "code": unit, "system": "http://unitsofmeasure.org"},
    } | changes


def patient(**changes: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1950-01-02"} | changes


def encounter(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "in-progress",
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-03-08T06:00:00Z"},
    } | changes


def searchset(*resources: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]} | changes


def request(at: str = AT, **prefetch: Any) -> dict[str, Any]:
    """A request with everything; a prefetch key given as None is left out."""
    whole = {"patient": patient(), "encounter": encounter(), "observations": searchset(*map(observation, VITALS))} | prefetch
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "p1", "encounterId": "e1"},
        "prefetch": {key: value for key, value in whole.items() if value is not None},
        "extension": {"bedside.prediction-time": at},
    }


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def told(self) -> dict[str, Any]:
        """What the one card tells machines."""
        (card,) = self.json["cards"]
        return card["extension"]["bedside"]


@contextmanager
def logged(folder: Path, log: Path) -> Iterator[Any]:
    """The application with a log, shut down as a server does it."""
    app = application(folder, replay=True, log=log)
    yield app
    asyncio.run(_shut_down(app))


async def _shut_down(app: Any) -> None:
    waiting, sent = ["lifespan.startup", "lifespan.shutdown"], []

    async def receive() -> dict[str, Any]:
        return {"type": waiting.pop(0)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def call(
    app: Any, body: object = None, *, path: str = f"/cds-services/{SERVICE}", method: str = "POST", parts: list[bytes] | None = None
) -> Reply:
    """One request to the application, without a network."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return asyncio.run(_call(app, parts if parts is not None else [raw], path, method))


async def _call(app: Any, parts: list[bytes], path: str, method: str) -> Reply:
    waiting = [{"type": "http.request", "body": part, "more_body": at < len(parts) - 1} for at, part in enumerate(parts)]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app({"type": "http", "path": path, "method": method, "headers": []}, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], headers, b"".join(part.get("body", b"") for part in sent[1:]))


def empty_members(value: Any, place: str = "$") -> list[str]:
    """Places of null and empty members, which CDS Hooks forbids; `cards` alone may be empty."""
    if isinstance(value, dict):
        inside = [found for name, one in value.items() for found in empty_members(one, f"{place}.{name}")]
        return inside + ([place] if not value else [])
    if isinstance(value, list):
        inside = [found for number, one in enumerate(value) for found in empty_members(one, f"{place}[{number}]")]
        return inside + ([place] if not value and place != "$.cards" else [])
    return [place] if value is None or value == "" else []


def breaches(response: dict[str, Any]) -> list[str]:
    """Rules of CDS Hooks 2.0 on a service's response that this one breaks."""
    found = empty_members(response)
    if not isinstance(response.get("cards"), list):
        found.append("cards is not a list")
    for card in response.get("cards", []):
        found += [name for name in ("summary", "indicator", "source") if name not in card]
        if not 0 < len(card["summary"]) < 140:
            found.append("summary is not below 140 characters")
        if card["indicator"] not in ("info", "warning", "critical"):
            found.append("no such indicator")
        if "label" not in card["source"]:
            found.append("source without label")
        if "suggestions" in card and "selectionBehavior" not in card:
            found.append("suggestions without selectionBehavior")
        if not isinstance(card.get("extension", {}), dict):
            found.append("extension is not an object")
    return found
