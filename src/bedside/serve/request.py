"""A CDS Hooks request: decoded, checked for what the model cannot do without, and opened into FHIR resources.

In        the body of POST /cds-services/{id}
Out       `Call`: the patient, the encounter, the observations, and when the prediction is made
Source    CDS Hooks 2.0, "Calling a CDS Service" and "Providing FHIR Resources to a CDS Service".
Refuses   400 what is not such a request; 412 what it does not carry, or carries for somebody else.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bedside.core.errors import Malformed
from bedside.core.time import iso_instant
from bedside.serve.outcome import Declined, Issue

HOOK = "patient-view"
TIME_EXTENSION = "bedside.prediction-time"
Resource = dict[str, Any]
_SERIOUS = ("error", "fatal")


class Context(msgspec.Struct, rename="camel"):
    """Who is looked at, in which encounter. patient-view also requires a userId, which is not needed here and not insisted on."""

    patient_id: str
    encounter_id: str | None = None


class Request(msgspec.Struct, rename="camel"):
    """The request as it is sent; prefetch keys that the service did not ask for are left alone."""

    hook: str
    hook_instance: str
    context: Context
    prefetch: dict[str, Any] | None = None
    extension: dict[str, Any] | None = None


class Call(msgspec.Struct):
    """A request that can be answered.

    at   prediction time of a replay, null for now
    cut  the client says that its search holds more observations than it sent
    """

    patient: Resource
    encounters: list[Resource]
    observations: list[Resource]
    encounter_id: str | None
    at: int | None
    cut: bool


_DECODER = msgspec.json.Decoder(Request)


def parse(body: bytes) -> Request:
    """The request, or 400 with the place that is wrong and none of its content."""
    try:
        request = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise Declined(400, Issue("structure", f"not a CDS Hooks request: {error}")) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Declined(400, Issue("structure", "the body is not JSON in UTF-8")) from None
    if request.hook != HOOK:
        raise Declined(400, Issue("not-supported", f"this service answers {HOOK} only", "hook"))
    if not request.hook_instance or not request.context.patient_id:
        raise Declined(400, Issue("required", "hookInstance and context.patientId may not be empty"))
    return request


def opened(request: Request, *, replay: bool) -> Call:
    """The resources of the prefetch; 412 names every key that is missing, failed or about somebody else."""
    found, issues = _prefetched(request.prefetch or {})
    at = _time(request.extension or {}) if replay else None
    if not issues:
        issues = _contradictions(request.context, found)
    if issues:
        raise Declined(412, *issues)
    return Call(found["patient"][0], found["encounter"], found["observations"], request.context.encounter_id, at,
                _cut((request.prefetch or {})["observations"]))  # fmt: skip


def _prefetched(prefetch: dict[str, Any]) -> tuple[dict[str, list[Resource]], list[Issue]]:
    found: dict[str, list[Resource]] = {}
    issues = []
    for key, kind in (("patient", "Patient"), ("encounter", "Encounter"), ("observations", "Observation")):
        resources = _resources(prefetch.get(key))
        found[key] = [r for r in resources if r.get("resourceType") == kind]
        failed = any(_is_failure(resource) for resource in resources)
        if failed:
            issues.append(Issue("incomplete", f"the prefetch of {kind} failed, says its OperationOutcome", f"prefetch.{key}"))
        elif not found[key]:
            issues.append(Issue("required", f"no {kind} in the prefetch", f"prefetch.{key}"))
    return found, issues


def _resources(value: Any) -> list[Resource]:
    """The resources under a prefetch key: one, or those of a Bundle."""
    if not isinstance(value, dict):
        return []
    if value.get("resourceType") != "Bundle":
        return [value]
    entries = value.get("entry")
    inside = [entry.get("resource") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [resource for resource in inside if isinstance(resource, dict)]


def _is_failure(resource: Resource) -> bool:
    """Whether a resource is an OperationOutcome that tells of an error; warnings may accompany a good search."""
    if resource.get("resourceType") != "OperationOutcome":
        return False
    issues = resource.get("issue")
    return not isinstance(issues, list) or any(not isinstance(i, dict) or i.get("severity") in _SERIOUS for i in issues)


def _contradictions(context: Context, found: dict[str, list[Resource]]) -> list[Issue]:
    """Data of somebody else, or of another encounter: a score of mixed patients is worse than none."""
    issues = []
    if found["patient"][0].get("id") != context.patient_id:
        issues.append(Issue("conflict", "the Patient is not the one of the context", "prefetch.patient.id"))
    for key in ("encounter", "observations"):
        if any(_of_another(resource, context.patient_id) for resource in found[key]):
            issues.append(Issue("conflict", "a resource is about another patient than the context", f"prefetch.{key}"))
    if context.encounter_id and not any(one.get("id") == context.encounter_id for one in found["encounter"]):
        issues.append(Issue("conflict", "no Encounter is the one of the context", "prefetch.encounter.id"))
    return issues


def _of_another(resource: Resource, patient_id: str) -> bool:
    subject = resource.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    if not isinstance(reference, str):
        return True
    if reference == f"Patient/{patient_id}":
        return False
    *before, last = reference.partition("/_history/")[0].split("/")
    return (bool(before) and before[-1] != "Patient") or last.rsplit(":", 1)[-1] != patient_id


def _cut(observations: Any) -> bool:
    """Whether the client says that its search holds more than it sent."""
    links = observations.get("link")
    return isinstance(links, list) and any(isinstance(link, dict) and link.get("relation") == "next" for link in links)


def _time(extension: dict[str, Any]) -> int | None:
    said = extension.get(TIME_EXTENSION)
    if said is None:
        return None
    try:
        time = iso_instant(said if isinstance(said, str) else "", where=TIME_EXTENSION)
    except Malformed:
        time = None
    if time is None or time.precision != "time":
        raise Declined(400, Issue("structure", "not an instant with a zone", f"extension['{TIME_EXTENSION}']"))
    return time.us
