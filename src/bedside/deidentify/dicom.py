"""DICOM headers without identifiers: PS3.15 Annex E, basic profile, dates moved, patient characteristics as the policy says.

In        one instance, the desk, the source's zone
Out       the instance: attributes of Table E.1-1 removed, emptied, replaced or moved at every level of nesting, private attributes,
          curves and overlays gone, UIDs ours and consistent, (0008,0201) written, and the attributes that say what was done
Options   Retain Longitudinal Temporal Information with Modified Dates (or Full Dates); Retain Patient Characteristics.
          Nothing else is claimed. Attributes outside the table keep numbers and codes; their text is scrubbed.
Refuses   images whose pixels may hold text: this version does not read pixels. They are quarantined with that reason.
Source    DICOM PS3.15 2026c Table E.1-1 (`dicom_actions.toml`); PS3.16 CID 7050; PS3.5 B.2 (UIDs of 2.25).
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import msgspec

from bedside.core.errors import Malformed
from bedside.core.time import compact_instant
from bedside.deidentify.desk import Desk, Person
from bedside.deidentify.patients import Key, PatientMap
from bedside.formats import dicom as format

_BURNED_MODALITIES = frozenset(
    {"US", "IVUS", "BDUS", "XA", "RF", "SC", "OT", "ES", "XC", "GM", "SM", "DG", "DOC", "OPT", "HC", "PX", "SR", "KO", "PR"}
)
_CAPTURE_CLASSES = ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.104", "1.2.840.10008.5.1.4.1.1.77.1.4")
_NO_PIXELS = "this version does not read pixels"
_PIXEL_GROUP = 0x7FE0
_KEPT_UIDS = frozenset({0x00080016, 0x00081150, 0x0008001A, 0x00020010, 0x0008010C})
_TEXT_VRS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
_SAFE_VRS = frozenset(
    {"CS", "DS", "IS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT", "OB", "OW", "OF", "OD", "OL", "OV", "AS"}
)
_TIME_VRS = frozenset({"DA", "TM", "DT"})
_DATE, _TIME_OF_DAY, _OFFSET = (
    re.compile(r"\d{8}\Z"),
    re.compile(r"\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?\Z"),
    re.compile(r"[+-]\d{4}\Z"),
)
_TIMES_FIRST = ("Study", "Series", "Acquisition", "Content")
_META_GONE = (
    "SourceApplicationEntityTitle",
    "SendingApplicationEntityTitle",
    "ReceivingApplicationEntityTitle",
    "PrivateInformation",
    "PrivateInformationCreatorUID",
    "SourcePresentationAddress",
    "SendingPresentationAddress",
    "ReceivingPresentationAddress",
)
_DUMMIES = {
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000+0000",
    "CS": "",
    "DS": "0",
    "IS": "0",
    "AS": "000Y",
    "PN": "Anonymous",
    "UR": "",
}
_PATIENT_ID, _PATIENT_NAME, _ACCESSION, _ZONE = 0x00100020, 0x00100010, 0x00080050, 0x00080201


class _Table(msgspec.Struct, frozen=True):
    schema: str
    actions: dict[str, str]
    options: dict[str, str]


def _tags(text: str) -> frozenset[int]:
    return frozenset(int(tag, 16) for tag in text.split())


_TABLE = msgspec.toml.decode(files("bedside.deidentify").joinpath("dicom_actions.toml").read_bytes(), type=_Table)
ACTIONS: dict[int, str] = {tag: action for action, tags in _TABLE.actions.items() for tag in _tags(tags)}
MODIFIED_DATES, CHARACTERISTICS = _tags(_TABLE.options["modified_dates"]), _tags(_TABLE.options["characteristics"])


def patient_key(dataset: Any, found: PatientMap, source: str) -> Key | None:
    """Key of the instance's patient, None when it names none."""
    number = str(dataset.get("PatientID") or "").strip()
    return found.record_key(number, source=source, stated=str(dataset.get("IssuerOfPatientID") or "") or None) if number else None


def pixels_may_tell(dataset: Any) -> str | None:
    """Why the pixels of an instance may hold identifying text, None when nothing says so."""
    if str(dataset.get("BurnedInAnnotation") or "").upper() == "YES":
        return f"burned-in annotation is declared, and {_NO_PIXELS}"
    if str(dataset.get("RecognizableVisualFeatures") or "").upper() == "YES":
        return f"recognizable features are declared, and {_NO_PIXELS}"
    kind = str(dataset.get("SOPClassUID") or "")
    if kind in _CAPTURE_CLASSES or kind.startswith(tuple(f"{one}." for one in _CAPTURE_CLASSES)):
        return f"a captured screen or an encapsulated document may hold text, and {_NO_PIXELS}"
    if str(dataset.get("Modality") or "").upper() in _BURNED_MODALITIES:
        return f"images of this modality often hold burned-in text, and {_NO_PIXELS}"
    said = {str(value).upper() for value in dataset.get("ImageType") or ()}
    return (
        f"a screen capture may hold text, and {_NO_PIXELS}" if said & {"SCREEN SAVE", "SCREENSHOT", "SECONDARY CAPTURE"} else None
    )


def change(raw: bytes, desk: Desk, *, source: str, timezone: str | None, where: str) -> bytes:
    """The instance without identifiers. Raises `Malformed` for one that cannot be read, is of nobody known, or shows text."""
    dataset = format.parse(raw, where=where)
    try:
        reason = pixels_may_tell(dataset)
        key = patient_key(dataset, desk.map, source)
        if reason is not None:
            raise Malformed(reason, where=where, do="have the pixels cleaned, set BurnedInAnnotation to NO, and run again")
        if key is None:
            raise Malformed("an instance without PatientID", where=where, do="fix the sender")
        work = _Work(desk, desk.the(key, where=where), _zone(dataset, timezone, where), where)
        work.clean(dataset)
        work.mark(dataset)
    except (AttributeError, KeyError, TypeError, ValueError, NotImplementedError, OverflowError, RecursionError) as error:
        raise Malformed(f"an element cannot be read ({type(error).__name__})", where=where, do="fetch the instance again") from None
    return format.dump(dataset)


class _Work:
    """The change of one instance."""

    def __init__(self, desk: Desk, person: Person, offset: str | None, where: str) -> None:
        self.desk, self.person, self.offset, self.where = desk, person, offset, where

    def clean(self, dataset: Any) -> None:
        """One data set and everything nested in it."""
        self._move_times(dataset)
        for tag in list(dataset.keys()):
            number = int(tag)
            if tag.is_private or 0x5000 <= number >> 16 <= 0x50FF or 0x6000 <= number >> 16 <= 0x60FF:
                del dataset[tag]
                self.desk.actions["dicom: private, curve or overlay element removed"] += 1
            elif number >> 16 != _PIXEL_GROUP:
                self._element(dataset, tag, number)

    def mark(self, dataset: Any) -> None:
        """What PS3.15 E.1.1 wants said of the de-identification, truthfully, and clean file meta information."""
        from pydicom import Dataset

        policy = self.desk.policy
        codes = [("113100", "Basic Application Confidentiality Profile")]
        codes += [
            ("113106", "Retain Longitudinal Temporal Information Full Dates Option")
            if policy.dates == "keep"
            else ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
        ]
        codes += [("113108", "Retain Patient Characteristics Option")] if "characteristics" in policy.dicom.retain else []
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = f"Bedside, {policy.name}"
        sequence = []
        for value, meaning in codes:
            item = Dataset()
            item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
            sequence.append(item)
        dataset.DeidentificationMethodCodeSequence = sequence
        dataset.LongitudinalTemporalInformationModified = "UNMODIFIED" if policy.dates == "keep" else "MODIFIED"
        meta = dataset.file_meta
        for name in _META_GONE:
            if name in meta:
                del meta[name]
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.preamble = b"\0" * 128

    def _element(self, dataset: Any, tag: Any, number: int) -> None:
        action = ACTIONS.get(number, "")
        if number in CHARACTERISTICS and "characteristics" in self.desk.policy.dicom.retain:
            self._characteristic(dataset, tag)
        elif number in (_PATIENT_ID, _PATIENT_NAME):
            dataset[tag].value = self.person.name
        elif number == _ACCESSION:
            dataset[tag].value = self.desk.number(str(dataset[tag].value)) if dataset[tag].value else ""
        elif number == _ZONE or (number in MODIFIED_DATES and dataset[tag].VR in _TIME_VRS):
            pass
        elif action == "X":
            del dataset[tag]
            self.desk.actions["dicom: element removed"] += 1
        elif not action and dataset[tag].VR in _TIME_VRS:
            pass
        elif action == "U" or action == "X/Z/U":
            self._uids(dataset[tag])
        elif action:
            self._replace(dataset[tag], action)
        else:
            self._unlisted(dataset, tag, number)

    def _characteristic(self, dataset: Any, tag: Any) -> None:
        cap, text = self.desk.policy.age_cap, str(dataset[tag].value or "")
        if dataset[tag].VR == "AS" and cap is not None and re.match(r"\d{3}Y\Z", text) and int(text[:3]) > cap:
            dataset[tag].value = f"{cap + 1:03d}Y"
        elif dataset[tag].VR in _TEXT_VRS and text:
            dataset[tag].value = self.desk.text(text, self.person)
        elif dataset[tag].VR == "CS":
            self._coded(dataset[tag])

    def _replace(self, element: Any, action: str) -> None:
        """Z empties; D and its mixtures put a dummy of the value representation; a sequence is cleaned inside."""
        self.desk.actions["dicom: element emptied or replaced"] += 1
        if element.VR == "SQ":
            for item in element.value:
                self.clean(item)
        elif action in ("Z", "X/Z"):
            element.value = None if element.VR not in ("OB", "OW", "UN") else b""
        else:
            element.value = _dummy(element.VR)

    def _uids(self, element: Any) -> None:
        if element.VR == "SQ":
            for item in element.value:
                self.clean(item)
            return
        values = element.value if not isinstance(element.value, str) else [element.value]
        changed = [self.desk.uid(str(value)) for value in values or ()]
        element.value = changed if len(changed) > 1 else (changed[0] if changed else "")

    def _unlisted(self, dataset: Any, tag: Any, number: int) -> None:
        """What the table does not name: numbers and codes stay, text is scrubbed, people and the unknown go."""
        element = dataset[tag]
        if element.VR == "SQ":
            for item in element.value:
                self.clean(item)
        elif element.VR == "UI":
            if number not in _KEPT_UIDS:
                self._uids(element)
        elif element.VR in _TEXT_VRS:
            values = [element.value] if isinstance(element.value, str) else list(element.value or ())
            changed = [self.desk.text(str(value), self.person) for value in values]
            element.value = changed if len(changed) > 1 else (changed[0] if changed else "")
        elif element.VR == "CS":
            self._coded(element)
        elif element.VR not in _SAFE_VRS:
            del dataset[tag]
            self.desk.actions["dicom: element removed"] += 1

    def _coded(self, element: Any) -> None:
        """Codes stay; one that tells of the patient is replaced whole, since a code string has no brackets (PS3.5 6.2)."""
        values = [element.value] if isinstance(element.value, str) else list(element.value or ())
        changed = [one if self.desk.kept(str(one), self.person) == str(one) else "REMOVED" for one in values]
        if changed != values:
            element.value = changed if len(changed) > 1 else changed[0]

    def _move_times(self, dataset: Any) -> None:
        """Dates, times and date-times of one level; a date and the time that belongs to it move together."""
        relative = self.person.clock.relative
        for tag in list(dataset.keys()):
            number = int(tag)
            if tag.is_private or number >> 16 == _PIXEL_GROUP or (ACTIONS.get(number) and number not in MODIFIED_DATES):
                continue
            element = dataset[tag]
            if element.VR == "DT":
                element.value = self._each(element.value, self._date_time)
            elif element.VR == "DA":
                partner = str(element.keyword)[:-4] + "Time" if str(element.keyword).endswith("Date") else ""
                if relative and partner in dataset and _TIME_OF_DAY.match(str(dataset[partner].value or "")):
                    element.value, dataset[partner].value = self._pair(str(element.value), str(dataset[partner].value))
                else:
                    element.value = self._each(element.value, self._date)
            elif element.VR == "TM" and relative and str(element.keyword)[:-4] + "Date" not in dataset:
                element.value = ""
        if self.offset is not None and ("StudyTime" in dataset or "SOPInstanceUID" in dataset):
            dataset.TimezoneOffsetFromUTC = "+0000" if relative else self.offset

    def _each(self, value: Any, move: Any) -> Any:
        if not value:
            return value
        values = [value] if isinstance(value, str) else list(value)
        moved = [move(str(one)) for one in values]
        return moved if len(moved) > 1 else moved[0]

    def _date(self, text: str) -> str:
        return self.person.clock.compact(text, where=self.where, timezone=None) if _DATE.match(text) else ""

    def _date_time(self, text: str) -> str:
        plain = text.strip()
        if len(plain) > 8 and not re.search(r"[+-]\d{4}\Z", plain):
            plain += self.offset or "+0000"
        try:
            return self.person.clock.compact(plain, where=self.where, timezone=None)
        except Malformed:
            return ""

    def _pair(self, date: str, time: str) -> tuple[str, str]:
        if not _DATE.match(date):
            return "", ""
        moved = self._date_time(date + time.ljust(6, "0") + (self.offset or "+0000"))
        plain = re.split(r"[+-]", moved)[0]
        return plain[:8], plain[8:]


def _dummy(kind: str) -> Any:
    if kind in ("OB", "OW", "UN", "OF", "OD", "OL", "OV"):
        return b"\0\0"
    if kind in ("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"):
        return 0
    return _DUMMIES.get(kind, "REMOVED")


def _zone(dataset: Any, timezone: str | None, where: str) -> str | None:
    """The offset of the instance's times: said in it, or of the source's zone on the true date. None when it has no time of day."""
    said = str(dataset.get("TimezoneOffsetFromUTC") or "").strip()
    if _OFFSET.match(said):
        return said
    for of in _TIMES_FIRST:
        date, time = str(dataset.get(f"{of}Date") or ""), str(dataset.get(f"{of}Time") or "")
        if _DATE.match(date) and _TIME_OF_DAY.match(time):
            minutes = compact_instant(date + time, where=f"{where}, {of}Time", timezone=timezone).offset_min or 0
            return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    return None
