"""An answer as a CDS Hooks card: one line, the reasons in Markdown, and the same for machines in `extension`.

In        `Answer`, and the names that a card shows of its bundle
Out       a card without null or empty members
Source    CDS Hooks 2.0 "Card Attributes": summary below 140 characters; indicator info, warning or critical; source.label required.
Never     text out of the patient's record: words of the model's own definition, numbers and times only.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from bedside.core.time import utc_text
from bedside.serve.service import Answer, Driver
from bedside.serve.words import ago, label, number

SUMMARY_LIMIT = 139
NOT_CLEARED = "Decision support in evaluation; not a cleared medical device. A clinician decides."
MADE = "The model was trained on made data and says nothing about real patients."


class Face(msgspec.Struct, frozen=True):
    """What every card of one bundle shows alike."""

    outcome: str
    hours: float
    source: str
    bundle: str
    made: bool


def card(answer: Answer, face: Face, *, unit_id: str) -> dict[str, Any]:
    """The card.

    unit_id   pseudonymous name of this decision, by which a label can be given later
    """
    return {
        "uuid": str(uuid.uuid4()),
        "summary": summary(answer, face),
        "indicator": "warning" if answer.alert else "info",
        "detail": _detail(answer, face),
        "source": {"label": face.source},
        "extension": _extension(answer, face, unit_id),
    }


def summary(answer: Answer, face: Face) -> str:
    """One sentence below 140 characters; a long outcome name is cut, never the risk."""
    risk = f"risk {percent(answer.value)} in {face.hours:g} h"
    if answer.threshold is not None:
        risk += f", {'at or above' if answer.alert else 'below'} the alert threshold of {percent(answer.threshold)}"
    return f"{face.outcome[: SUMMARY_LIMIT - len(risk) - 2]}: {risk}"


def percent(risk: float) -> str:
    """
    >>> percent(0.1234), percent(0.00002), percent(1.0)
    ('12.3 %', '< 0.1 %', '100.0 %')
    """
    return "< 0.1 %" if 0 < risk < 0.0005 else f"{100 * risk:.1f} %"


def _detail(answer: Answer, face: Face) -> str:
    parts = [f"**{face.outcome}, risk in the next {face.hours:g} h: {percent(answer.value)}**"]
    if answer.drivers:
        parts.append("What moved it most:\n" + "\n".join(_driver(driver, answer.at) for driver in answer.drivers))
    parts += _gaps(answer)
    parts += [f"Beside it: {told.words}." for told in answer.simple]
    parts.append(f"{NOT_CLEARED} {MADE}" if face.made else NOT_CLEARED)
    return "\n\n".join(parts)


def _driver(driver: Driver, at: int) -> str:
    way = "raises" if driver.contribution > 0 else "lowers"
    value = number(driver.value, driver.meaning.unit)
    shown = f"- {driver.meaning.words}: {value}, {way} the risk ({driver.contribution:+.2f} log odds)"
    return f"{shown}; last seen {ago(driver.event, at)}" if driver.event is not None else shown


def _gaps(answer: Answer) -> list[str]:
    """What was missing, old, not readable or not sent."""
    told = []
    if answer.unseen:
        told.append("Missing: " + ", ".join(label(signal) for signal in answer.unseen) + ".")
    if answer.stale:
        told.append("Old: " + "; ".join(f"{label(signal)} ({ago(event, answer.at)})" for signal, event in answer.stale) + ".")
    if answer.unread:
        told.append(f"Not readable, left out: {answer.unread} observations.")
    if answer.cut:
        told.append("The client sent only part of its observations; the score may miss some.")
    return told


def _extension(answer: Answer, face: Face, unit_id: str) -> dict[str, Any]:
    """The same for machines. Features are float32, written so that they read back to the bit; absent ones are in `missing`."""
    told: dict[str, Any] = {
        "bundle": face.bundle,
        "unit_id": unit_id,
        "prediction_time": utc_text(answer.at),
        "score": answer.value,
        "alert": answer.alert,
    }
    if answer.threshold is not None:
        told["threshold"] = answer.threshold
    lists = {
        "features": answer.features,
        "missing": answer.missing,
        "stale": [signal.name for signal, _ in answer.stale],
        "contributions": {driver.name: driver.contribution for driver in answer.drivers},
        "simple_scores": {one.name: one.total for one in answer.simple},
    }
    return {"bedside": told | {key: value for key, value in lists.items() if value}}
