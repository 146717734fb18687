"""DICOM instances without identifiers: PS3.15 Annex E, the basic profile with the options that the policy takes.

In        one instance, the desk, the source's zone
Out       the instance: attributes of Table E.1-1 removed, emptied, replaced, scrubbed or moved at every level of nesting, private
          attributes but the safe ones, overlays, preamble and file meta information gone, UIDs ours and consistent, (0008,0201) written,
          and the attributes that say what was done. What nobody had to touch is bit for bit as it came.
Options   all of E.3 but Clean Recognizable Visual Features: `policy.dicom`. Nothing is claimed that was not done.
Pixels    read by `pixels.py` where they may show text; where they cannot be, the instance is quarantined with that reason
Refuses   directories (DICOMDIR: make one anew), documents, sounds, raw data; what cannot be read to its last byte
Elsewhere bytes: `dicom_stream.py`; rules: `dicom_rules.py`; every element: `dicom_clean.py`; marks: `dicom_marks.py`
Source    DICOM PS3.15 2026c Table E.1-1 (`dicom_actions.toml`); PS3.16 CID 7050; PS3.5 B.2 (UIDs of 2.25).
"""

from __future__ import annotations

import struct
from typing import Any

from bedside.core.errors import Malformed
from bedside.deidentify import dicom_marks, dicom_pixels, dicom_stream
from bedside.deidentify.desk import Desk
from bedside.deidentify.dicom_clean import Cleaner, Place
from bedside.deidentify.dicom_graphics import clear_embedded
from bedside.deidentify.dicom_own import own_of
from bedside.deidentify.dicom_pixels import pixels_may_tell
from bedside.deidentify.dicom_rules import ACTIONS, CHARACTERISTICS, rules_of
from bedside.deidentify.dicom_times import Times, zone_of
from bedside.deidentify.dicom_values import ASCII
from bedside.deidentify.patients import Key, PatientMap

__all__ = ["ACTIONS", "CHARACTERISTICS", "change", "patient_key", "pixels_may_tell"]
_SOP_CLASS, _SOP_INSTANCE, _DIRECTORY = 0x00080016, 0x00080018, 0x00041220
_META_SOP_CLASS, _MEDIA_DIRECTORY = 0x00020002, "1.2.840.10008.1.3.10"
_DAMAGE = (AttributeError, KeyError, IndexError, TypeError, ValueError, LookupError, NotImplementedError, OverflowError, RecursionError, struct.error)


def patient_key(dataset: Any, found: PatientMap, source: str, *, nobody: bool = False) -> Key | None:
    """Key of the instance's patient, None when it names none.

    nobody   one that names none is of whoever its study is of: PatientID may be empty (type 2), and the dates of a study move together
    """
    number = str(dataset.get("PatientID") or "").strip(" \0")
    if number:
        return found.record_key(number, source=source, stated=str(dataset.get("IssuerOfPatientID") or "") or None)
    study = str(dataset.get("StudyInstanceUID") or dataset.get("SOPInstanceUID") or "").strip(" \0") if nobody else ""
    return Key("study", study) if study else None


def change(raw: bytes, desk: Desk, *, source: str, timezone: str | None, where: str, nobody: bool = False) -> bytes:
    """The instance without identifiers. Raises `Malformed` for one that cannot be read, is of nobody known, or shows text.

    nobody   an instance need not say whose it is
    """
    try:
        return _changed(raw, desk, source, timezone, where, nobody)
    except _DAMAGE as error:
        raise Malformed(f"an element cannot be read ({type(error).__name__})", where=where, do="fetch the instance again") from None


def _changed(raw: bytes, desk: Desk, source: str, timezone: str | None, where: str, nobody: bool) -> bytes:
    part = _instance(raw, where)
    reason = dicom_pixels.reason_to_read(part.level, desk.policy.dicom, where)
    key = patient_key(dicom_pixels.Header(part.level), desk.map, source, nobody=nobody)
    if key is None:
        raise Malformed("an instance without PatientID", where=where, do="fix the sender")
    person = desk.the(key, where=where)
    if reason is not None:
        part = _instance(dicom_pixels.read(raw, person=person, desk=desk, reason=reason, where=where), where)
    rules, level = rules_of(desk.policy), part.level
    times = Times(person.clock, None if rules.times == "gone" else zone_of(level, timezone, where), where)
    clear_embedded(level, where)
    Cleaner(desk, person, rules, times, own_of(desk.map, key), where).level(level, Place(ASCII))
    times.mark(level)
    dicom_marks.mark(level, rules, pixels_read=reason is not None)
    return dicom_marks.file(part, where)


def _instance(raw: bytes, where: str) -> dicom_stream.Part10:
    """The elements of a file that holds one instance."""
    part = dicom_stream.parse(raw, where=where)
    if _DIRECTORY in part.level.elements or (part.meta is not None and part.meta.text(_META_SOP_CLASS) == _MEDIA_DIRECTORY):
        raise Malformed("a directory of media (DICOMDIR) names patients and old files", where=where, do="make a new one of the safe files")
    if not part.level.text(_SOP_CLASS) or not part.level.text(_SOP_INSTANCE):
        raise Malformed("data set has no SOP Class or SOP Instance UID", where=where, do="fetch the instance again from the archive")
    return part
