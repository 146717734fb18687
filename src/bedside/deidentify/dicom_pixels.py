"""Which images may show text in their pixels, and the reading of those that do.

In        a header (anything with `get` by keyword), or a whole instance
Out       a reason, or None; the instance with its pixels clean
Suspect   what says so itself; captured screens and digitised paper; kinds of images on which machines write (ultrasound, angiography,
          endoscopy, photographs, dental, ophthalmic); labels of slides and their overviews. A report, a key object or a presentation
          state has no pixels, and the volume of a slide shows tissue.
Refuses   documents, sounds and meshes, which no reader here looks into, and faces: quarantined with the reason
Source    DICOM PS3.3 C.7.6.1 (image type, burned-in annotation), C.8.6.1 (conversion type), C.8.12.4 (slide labels); PS3.15 E.3.1, E.3.2
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from bedside.core.errors import Malformed
from bedside.deidentify.dicom_stream import Level
from bedside.deidentify.dicom_values import ASCII, character_sets, decoded

if TYPE_CHECKING:
    from bedside.deidentify.desk import Desk, Person
    from bedside.deidentify.policy import DicomRules

_BURNED_MODALITIES = frozenset({"US", "IVUS", "BDUS", "XA", "RF", "SC", "OT", "ES", "XC", "GM", "DG", "DOC", "OPT", "OP", "HC", "PX", "FS", "TG", "LS", "IO", "EPS", "SR", "KO", "PR"})
_SLIDES, _SLIDE_PICTURES = "SM", frozenset({"LABEL", "OVERVIEW", "LOCALIZER"})
_CAPTURE_CLASS, _SECONDARY = "1.2.840.10008.5.1.4.1.1.7", "SECONDARY CAPTURE"
_CAPTURES = frozenset({"SCREEN SAVE", "SCREENSHOT", _SECONDARY, "REPORT", "PRINTED"})
# Pages that scanners write beside their images: "DERIVED\\SECONDARY\\OTHER\\CT_SOM5 PROT", "Dose Report".
_PAGES = (" PROT", "_PROT", "DOSE_INFO", "DOSE INFO", "DOSE REPORT")
_PAGE = re.compile(r"DOSE (?:REPORT|RECORD|INFO|SUMMARY)|PATIENT PROTOCOL|EXAM SUMMARY|SCREEN ?(?:SAVE|SHOT|CAPTURE)|SCANNED|SUMMARY PAGE|REPORT PAGE")
_DIGITISED = frozenset({"DF", "DRW", "DV", "SD", "SI", "WSD"})
_DOCUMENTS, _VOICE, _RAW = "1.2.840.10008.5.1.4.1.1.104.", "1.2.840.10008.5.1.4.1.1.9.4.", "1.2.840.10008.5.1.4.1.1.66"
_CHARACTER_SET = 0x00080005
_PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009)
_KEYWORDS = {
    "SOPClassUID": 0x00080016, "Modality": 0x00080060, "ImageType": 0x00080008, "BurnedInAnnotation": 0x00280301,
    "RecognizableVisualFeatures": 0x00280302, "ConversionType": 0x00080064, "SpecimenLabelInImage": 0x00480010, "PatientID": 0x00100020,
    "IssuerOfPatientID": 0x00100021, "SeriesDescription": 0x0008103E, "StudyInstanceUID": 0x0020000D, "SOPInstanceUID": 0x00080018,
}  # fmt: skip


class Said(Protocol):
    """A header by keyword: a pydicom data set, or `Header`."""

    def get(self, keyword: str, /) -> Any: ...


class Header:
    """The few attributes of a `Level` that decide about pixels, by keyword."""

    def __init__(self, level: Level) -> None:
        self.level = level
        self.sets = character_sets(level.text(_CHARACTER_SET)) if _CHARACTER_SET in level.elements else ASCII

    def get(self, keyword: str, /) -> Any:
        element = self.level.elements.get(_KEYWORDS[keyword])
        said = decoded(self.level.value(element), self.sets).strip() if element is not None else ""
        return [one.strip() for one in said.split("\\")] if keyword == "ImageType" and said else said


def must_not_pass(header: Said) -> str | None:
    """Why an instance cannot be made clean by any reading of pixels, None when nothing says so."""
    kind = _said(header, "SOPClassUID")
    if _said(header, "RecognizableVisualFeatures") == "YES":
        return "recognizable features are declared, and no face is taken out here"
    if f"{kind}.".startswith(_DOCUMENTS):
        return "an encapsulated document may hold text, and nothing here reads it"
    if f"{kind}.".startswith(_VOICE):
        return "a recorded voice may tell who speaks, and nothing here listens"
    return "raw data have a form that only their maker knows" if kind == _RAW else None


def pixels_may_tell(header: Said) -> str | None:
    """Why the pixels of an instance may hold identifying text, None when nothing says so."""
    never = must_not_pass(header)
    if never is not None:
        return never
    if _said(header, "BurnedInAnnotation") == "YES":
        return "burned-in annotation is declared"
    kind, modality = _said(header, "SOPClassUID"), _said(header, "Modality")
    if f"{kind}.".startswith(f"{_CAPTURE_CLASS}.") or kind == "1.2.840.10008.5.1.4.1.1.77.1.4":
        return "a captured screen or a photograph may hold text"
    image_type = {str(value).upper() for value in header.get("ImageType") or ()}
    if modality == _SLIDES:
        shows = image_type & _SLIDE_PICTURES or _said(header, "SpecimenLabelInImage") == "YES" or "VOLUME" not in image_type
        return "the label of a slide may be seen" if shows else None
    if modality in _BURNED_MODALITIES:
        return "images of this modality often hold burned-in text"
    if _said(header, "ConversionType") in _DIGITISED:
        return "a digitised film or document may hold text"
    if image_type & _CAPTURES or any(value.endswith(_PAGES) for value in image_type) or _PAGE.search(_said(header, "SeriesDescription")):
        return "a screen capture may hold text"
    return None


def _said(header: Said, keyword: str) -> str:
    return str(header.get(keyword) or "").strip().upper()


def has_pixels(level: Level) -> bool:
    return any(tag in level.elements for tag in _PIXELS)


def reason_to_read(level: Level, rules: DicomRules, where: str) -> str | None:
    """Why the pixels must be read, None when they need not be. Raises `Malformed` for an instance that may not pass unread."""
    header = Header(level)
    never = must_not_pass(header)
    if never is not None:
        raise Malformed(never, where=where, do="leave it out, or have it made clean by other means")
    reason = pixels_may_tell(header) if has_pixels(level) else None
    wanted = rules.pixels if "pixels" in rules.clean else "none"
    if reason is not None and wanted == "none":
        raise Malformed(f"{reason}, and the policy has no pixels read", where=where, do="have the pixels cleaned, or let the policy read them: [dicom] clean with \"pixels\"")
    return reason if reason is not None or wanted != "all" or not has_pixels(level) else "the policy has every image read"


def read(raw: bytes, *, person: Person, desk: Desk, reason: str, where: str) -> bytes:
    """The instance with the text in its pixels painted out. Raises `Malformed` where that cannot be."""
    from bedside.formats import dicom as format

    try:
        from bedside.deidentify.pixels import clean
    except ImportError:
        raise Malformed(f"{reason}, and what reads pixels is not installed", where=where, do="pip install 'bedside[ocr]'") from None
    dataset = format.parse(raw, where=where)
    clean(dataset, person=person, desk=desk, reason=reason, where=where)
    desk.actions["dicom: image read for text"] += 1
    return format.dump(dataset)
