"""DICOM headers to events: that an image was made, of which kind and when; and a row of the image index.

In        a de-identified DICOM file (one instance)
Out       one `IMAGE//<modality>` event at the start of the study, as FHIR ImagingStudy dates it, and one `ImageRow`
Source    DICOM PS3.3 C.7 (patient, study, series, equipment), PS3.5 6.2 (DA, TM), PS3.3 C.12.1.1.1 (0008,0201 offset from UTC).
"""

from __future__ import annotations

import re
from typing import Any

from bedside.core.errors import Malformed
from bedside.core.events import Event
from bedside.core.ids import subject_number
from bedside.core.time import Instant, compact_instant
from bedside.formats.dicom import parse, pieces
from bedside.formats.files import RawFile
from bedside.readers.pieces import Context, Said, gather
from bedside.readers.reading import ImageRow, Reading
from bedside.readers.times import available

_SEXES = {"F": "female", "M": "male", "O": "other"}
_AGE, _IN_A_YEAR = re.compile(r"(\d{3})([DWMY])\Z"), {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, NotImplementedError, OverflowError)


def read(file: RawFile, *, timezone: str | None = None) -> Reading:
    """One instance."""
    place = f"{file.source}/{file.alias}"
    return gather(file, pieces, lambda raw, context: _interpret(raw, context, place), timezone=timezone)


def _interpret(raw: bytes, context: Context, place: str) -> Said:
    header = parse(raw, where=context.where)
    name = _text(header, "PatientID")
    if name is None:
        raise Malformed("a DICOM instance without PatientID", where=context.where, do="fix the sender")
    who, modality = subject_number(name), _text(header, "Modality") or "OT"
    studied = _instant(header, "Study", context)
    made = _instant(header, "Acquisition", context) or _instant(header, "Content", context) or studied
    row = _row(header, who, modality, made, place)
    if studied is None:
        context.problem("image without a study date: in the index, not among the events")
        return Said([], images=[row])
    event = Event(who, studied.us, f"IMAGE//{modality}", known_at=available(studied), utc_offset_min=studied.offset_min,
                  encounter_id=_text(header, "AdmissionID"), source=context.source)  # fmt: skip
    return Said([event], images=[row])


def _row(header: Any, who: int, modality: str, made: Instant | None, place: str) -> ImageRow:
    meta = getattr(header, "file_meta", None)
    return ImageRow(
        subject_id=who,
        study_uid=_text(header, "StudyInstanceUID") or "",
        series_uid=_text(header, "SeriesInstanceUID") or "",
        instance_uid=_text(header, "SOPInstanceUID") or "",
        modality=modality,
        time=made.us if made else None,
        body_part=_text(header, "BodyPartExamined"),
        rows=_integer(header, "Rows"),
        columns=_integer(header, "Columns"),
        frames=_integer(header, "NumberOfFrames"),
        transfer_syntax=_text(meta, "TransferSyntaxUID") if meta is not None else None,
        file=place,
        sop_class=_text(header, "SOPClassUID"),
        manufacturer=_text(header, "Manufacturer"),
        model=_text(header, "ManufacturerModelName"),
        sex=_SEXES.get(_text(header, "PatientSex") or ""),
        age_years=_age(header),
    )


def _age(header: Any) -> int | None:
    """PatientAge in whole years; an age in days, weeks or months counts as the years it makes."""
    found = _AGE.match(_text(header, "PatientAge") or "")
    return int(int(found[1]) / _IN_A_YEAR[found[2]]) if found else None


def _instant(header: Any, of: str, context: Context) -> Instant | None:
    """Instant of <of>Date and <of>Time with (0008,0201); a date alone is a day."""
    date, time = _text(header, f"{of}Date"), _text(header, f"{of}Time")
    if date is None:
        return None
    offset = _text(header, "TimezoneOffsetFromUTC") if time else None
    return compact_instant(f"{date}{time or ''}{offset or ''}", where=context.where, timezone=context.timezone)


def _text(header: Any, keyword: str) -> str | None:
    """An attribute's first value as text, None when absent, empty or not readable under its value representation."""
    try:
        value = header.get(keyword)
        if value is not None and not isinstance(value, str) and hasattr(value, "__iter__"):
            value = next(iter(value), None)
        return (str(value).strip() or None) if value is not None else None
    except _UNREADABLE:
        return None


def _integer(header: Any, keyword: str) -> int | None:
    text = _text(header, keyword)
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
