"""POST /cds-services/{id}/feedback: what clinicians did with the cards.

Source    CDS Hooks 2.0 "Feedback": outcome accepted or overridden; outcomeTimestamp in UTC as RFC 3339 says.
A comment is dropped unread: it may say anything of a patient.
"""

from __future__ import annotations

import re

import msgspec

from bedside.serve.log import Log
from bedside.serve.outcome import Declined, Issue

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})\Z")
_PLAIN = re.compile(r"[A-Za-z0-9._:/#|-]{1,120}\Z")
_OUTCOMES = ("accepted", "overridden")


class Coding(msgspec.Struct):
    code: str | None = None


class Reason(msgspec.Struct):
    reason: Coding | None = None


class Accepted(msgspec.Struct):
    id: str


class One(msgspec.Struct, rename="camel"):
    """What became of one card."""

    card: str
    outcome: str
    outcome_timestamp: str
    accepted_suggestions: list[Accepted] | None = None
    override_reason: Reason | None = None


class Feedback(msgspec.Struct):
    feedback: list[One]


_DECODER = msgspec.json.Decoder(Feedback)


def take(body: bytes, log: Log) -> None:
    """Check and record feedback; 400 with the place that is wrong."""
    try:
        told = _DECODER.decode(body).feedback
    except msgspec.ValidationError as error:
        raise Declined(400, Issue("structure", f"not CDS Hooks feedback: {error}")) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Declined(400, Issue("structure", "the body is not JSON in UTF-8")) from None
    for number, one in enumerate(told):
        _check(one, f"feedback[{number}]")
    for one in told:
        reason = one.override_reason.reason.code if one.override_reason and one.override_reason.reason else None
        log.feedback(one.outcome_timestamp, one.card, one.outcome, reason if reason and _PLAIN.match(reason) else None)


def _check(one: One, where: str) -> None:
    if one.outcome not in _OUTCOMES:
        raise Declined(400, Issue("structure", "outcome is accepted or overridden", f"{where}.outcome"))
    if one.outcome == "accepted" and not one.accepted_suggestions:
        raise Declined(400, Issue("required", "accepted needs acceptedSuggestions", f"{where}.acceptedSuggestions"))
    if not _TIME.match(one.outcome_timestamp):
        raise Declined(400, Issue("structure", "outcomeTimestamp is not an RFC 3339 time", f"{where}.outcomeTimestamp"))
    if not _PLAIN.match(one.card):
        raise Declined(400, Issue("structure", "card is not the uuid of a card", f"{where}.card"))
