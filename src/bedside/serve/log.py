"""The record of what was served: one JSON line a prediction, under pseudonymous names, for monitoring.

In        answers and feedback
Out       <log>            {time, unit_id, bundle, features, value, alert, encounter, missing, card} a line
          <log>.feedback   {time, card, outcome, reason} a line
          <log>.key        32 random bytes, mode 0600: `encounter` and `unit_id` are HMACs under it, so that they stay the
                           same over restarts and cannot be turned back without it
Never     names, record numbers, comments or any text of the patient's record. Features are what the model saw.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import msgspec

from bedside.core.errors import Misconfigured
from bedside.core.ids import keyed_hex
from bedside.core.time import utc_text
from bedside.serve.service import Answer

_KEY_BYTES, _NAME_LENGTH = 32, 20


class Names:
    """Pseudonymous names of encounters and decisions under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encounter(self, patient_id: str, encounter_id: str | None) -> str:
        return keyed_hex(self._key, "encounter", patient_id, encounter_id or "", length=_NAME_LENGTH)

    def unit(self, encounter: str, at: int) -> str:
        """Name of one decision: the same patient, encounter and time give the same name."""
        return keyed_hex(self._key, "unit", encounter, str(at), length=_NAME_LENGTH)


class Log:
    """Append-only files; with no path it keeps nothing and only names."""

    def __init__(self, path: Path | None) -> None:
        self.names = Names(_key(path))
        self._served = _opened(path) if path else None
        self._feedback = _opened(path.with_name(path.name + ".feedback")) if path else None

    def served(self, answer: Answer, *, unit_id: str, encounter: str, bundle: str, card: str) -> None:
        """One prediction."""
        if self._served is not None:
            _write(self._served, {"time": utc_text(answer.at), "unit_id": unit_id, "bundle": bundle, "features": answer.features,
                                  "value": answer.value, "alert": answer.alert, "encounter": encounter, "missing": answer.missing,
                                  "card": card})  # fmt: skip

    def feedback(self, time: str, card: str, outcome: str, reason: str | None) -> None:
        """What became of a card: the coded reason, never a comment."""
        if self._feedback is not None:
            _write(self._feedback, {"time": time, "card": card, "outcome": outcome, "reason": reason})

    def close(self) -> None:
        for stream in (self._served, self._feedback):
            if stream is not None:
                stream.close()


def _write(stream: BinaryIO, line: dict[str, object]) -> None:
    """One whole line in one call, so that a killed service leaves no half line behind another."""
    stream.write(msgspec.json.encode(line) + b"\n")


def _opened(path: Path) -> BinaryIO:
    try:
        return open(path, "ab", buffering=0, opener=_private)
    except OSError as error:
        raise Misconfigured(
            f"cannot write there: {error.strerror}", where="log", do="give a path in a folder that exists"
        ) from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _key(path: Path | None) -> bytes:
    """The key beside the log, made at the first start; without a log one that dies with the process."""
    if path is None:
        return os.urandom(_KEY_BYTES)
    place = path.with_name(path.name + ".key")
    try:
        with open(place, "xb", opener=_private) as stream:
            stream.write(os.urandom(_KEY_BYTES))
    except FileExistsError:
        pass
    except OSError as error:
        raise Misconfigured(
            f"cannot write there: {error.strerror}", where="log", do="give a path in a folder that exists"
        ) from None
    key = place.read_bytes()
    if len(key) != _KEY_BYTES:
        raise Misconfigured(
            "the key beside the log is not one", where="log", do="restore it, or begin a new log under another name"
        )
    return key
