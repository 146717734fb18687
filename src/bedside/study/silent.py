"""The made hospital's silent run: every test decision asked of the service from raw FHIR, logged, and compared with the test.

In        a finished demo study, whose raw FHIR lies in its folder
Out       `Silent`: how many were asked and answered, how many scores equal the test's to the last bit; a served log and its labels
Only      for made hospitals: a real silent run comes from the EHR, into `bedside serve --log`
"""

from __future__ import annotations

import asyncio
import gc
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.core.progress import say, track
from bedside.study.folder import policy_name, rules
from bedside.study.study import Study

if TYPE_CHECKING:
    from bedside.monitor.report import MonitorReport
    from bedside.serve.app import Application


class Silent(msgspec.Struct, frozen=True):
    """What the silent run came to. `declined`: the service said that there was not enough to answer from (412)."""

    asked: int
    answered: int
    declined: int
    equal: int
    log: str
    labels: str

    def to_text(self) -> str:
        declined = f", {self.declined:,} declined for want of data" if self.declined else ""
        return f"{self.asked:,} test decisions from raw FHIR: {self.equal:,} of {self.answered:,} scores equal to the last bit{declined}"


def watched(study: Study, *, quiet: bool = False) -> tuple[Silent, MonitorReport]:
    """The silent run, then what the monitor makes of it; the log lies beside the study folder."""
    from bedside.study.monitor import watch

    begun = time.monotonic()
    served = silent(study, study.root.with_name(study.root.name + ".served.jsonl"))
    done = time.monotonic()
    found = watch(study.root, log=Path(served.log), labels=Path(served.labels))
    if not quiet:
        burden, many = found.whole.burden.alerts_per_100_patient_days, len(found.findings)
        say(f"{'serve':<11} {done - begun:6.1f} s  {served.to_text()}")
        say(f"{'monitor':<11} {time.monotonic() - done:6.1f} s  {burden:.1f} alerts per 100 patient-days; {many} to look at")
    return served, found


def silent(study: Study, log: Path) -> Silent:
    """Replay the test decisions through the service; the log and the labels beside it are begun anew."""
    from bedside.demo.replay import RawHospital
    from bedside.serve.app import application

    labels = log.with_name(log.name + ".labels.csv")
    for path in (log, labels):
        path.unlink(missing_ok=True)
    hospital, tested = RawHospital(study.root / "raw" / "fhir"), _tested(study)
    app = application(study.root / "bundles" / "model", policy=policy_name(study.root, study.file.deidentify.policy), replay=True, log=log)
    gc.freeze()  # the hospital in memory would be looked through again and again
    try:
        answers = asyncio.run(_asked(app, hospital, _raw_names(study, list(hospital.encounters)), tested))
    finally:
        gc.unfreeze()
    labels.write_text("unit_id,label\n" + "".join(f"{told['unit_id']},{str(one['label']).lower()}\n" for one, told in answers))
    equal = sum(told["score"] == one["value"] for one, told in answers)
    return Silent(len(tested), len(answers), len(tested) - len(answers), equal, str(log), str(labels))


def _tested(study: Study) -> list[dict[str, Any]]:
    """The test decisions with the model's score and what happened, in the order in which they were made."""
    decisions = study.features().filter(split="test").select("unit_id", "encounter_id", "encounter_start", "prediction_time")
    scores = study.predictions().filter(output="risk").select("unit_id", "value", "label")
    return decisions.join(scores, on="unit_id").sort("prediction_time", "unit_id").to_dicts()


def _raw_names(study: Study, identifiers: list[str]) -> dict[str, str]:
    """Pseudonym of an encounter to its raw identifier."""
    from bedside.deidentify.desk import desk
    number = desk(study.keyring(), rules(study.root, study.file.deidentify.policy)).number
    return {number(identifier): identifier for identifier in identifiers}


async def _asked(
    app: Application, hospital: Any, raw: dict[str, str], tested: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every decision that was answered with a card, and what the card says to machines."""
    from bedside.demo.replay import request

    _, listed = await _call(app, "GET", "/cds-services")
    path, answered = f"/cds-services/{msgspec.json.decode(listed)['services'][0]['id']}", []
    for one in track(tested, "silent run"):
        encounter = raw[one["encounter_id"]]
        at = hospital.started(encounter) + (one["prediction_time"] - one["encounter_start"])
        status, body = await _call(app, "POST", path, msgspec.json.encode(request(hospital.prefetch(encounter, at), at)))
        if status == 200:
            answered += [(one, card["extension"]["bedside"]) for card in msgspec.json.decode(body)["cards"]]
    await _exchange(app, {"type": "lifespan"}, {"type": "lifespan.shutdown"})
    return answered


async def _call(app: Application, method: str, path: str, content: bytes = b"") -> tuple[int, bytes]:
    """One request to the ASGI application, without a socket between."""
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    sent = await _exchange(app, scope, {"type": "http.request", "body": content, "more_body": False})
    return sent[0]["status"], b"".join(part.get("body", b"") for part in sent[1:])


async def _exchange(app: Application, scope: dict[str, Any], message: dict[str, Any]) -> list[Any]:
    """What the application sends for one message."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return message

    async def send(part: Any) -> None:
        sent.append(part)

    await app(scope, receive, send)
    return sent
