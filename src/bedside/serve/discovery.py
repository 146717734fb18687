"""GET /cds-services: what this service is, and the FHIR queries whose answers it needs.

Source    CDS Hooks 2.0 "Discovery" and "Prefetch Template".
The query for observations names the LOINC codes that the model reads, and no others: the minimum necessary (45 CFR 164.502(b)).
"""

from __future__ import annotations

from bedside.serve.request import HOOK


def services(service_id: str, *, title: str, description: str, loincs: list[str]) -> dict[str, object]:
    """The discovery response of one service."""
    return {"services": [_service(service_id, title, description, loincs)]}


def _service(service_id: str, title: str, description: str, loincs: list[str]) -> dict[str, object]:
    codes = ",".join(f"http://loinc.org|{code}" for code in loincs)
    return {
        "hook": HOOK,
        "title": title,
        "description": description,
        "id": service_id,
        "prefetch": {
            "patient": "Patient/{{context.patientId}}",
            "encounter": "Encounter/{{context.encounterId}}",
            "observations": "Observation?patient={{context.patientId}}" + (f"&code={codes}" if codes else "") + "&_sort=-date",
        },
        "usageRequirements": "Answers from prefetch alone: all three keys are needed. Without them the answer is 412.",
    }
