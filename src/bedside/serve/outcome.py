"""What went wrong, as HTTP status and FHIR OperationOutcome: what is missing and where, never what a patient's data say.

Source    CDS Hooks 2.0 "HTTP Status Codes" (412 when required data cannot be had), FHIR R4 OperationOutcome 2.38.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["structure", "required", "not-supported", "not-found", "too-costly", "incomplete", "exception", "conflict"]


class Issue(msgspec.Struct, frozen=True):
    """One thing that is wrong: the issue type of FHIR, words for people, and the place in the request."""

    code: Kind
    text: str
    expression: str | None = None


class Declined(Exception):
    """The request cannot be answered. Never leaves the room: the application turns it into a response."""

    def __init__(self, status: int, *issues: Issue, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(f"{status}: {'; '.join(issue.text for issue in issues)}")
        self.status, self.issues, self.headers = status, issues, headers


def outcome(issues: tuple[Issue, ...]) -> dict[str, object]:
    """An OperationOutcome of the issues, without empty members.

    >>> outcome((Issue("required", "no Patient", "prefetch.patient"),))["issue"]
    [{'severity': 'error', 'code': 'required', 'diagnostics': 'no Patient', 'expression': ['prefetch.patient']}]
    """
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def _issue(issue: Issue) -> dict[str, object]:
    told: dict[str, object] = {"severity": "error", "code": issue.code, "diagnostics": issue.text}
    if issue.expression:
        told["expression"] = [issue.expression]
    return told
