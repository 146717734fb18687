"""PNG, JPEG or TIFF pixels as DICOM, so that public sets of plain files walk the same path as a hospital's archive.

In        pixels, whose they are, the number that labels will call them by (it becomes the accession number: 16 characters at most)
Out       the bytes of one instance, the same for the same input; UIDs come of the number
Class     Secondary Capture with conversion type WSD (PS3.3 A.8.1, C.8.6.1), which is what such a file is; `sop_class` for another.
          De-identification refuses captures, whose pixels may hold text: a set that its publisher de-identified is taken as-received.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Malformed, Misconfigured
from bedside.core.ids import sha256
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
RADIOGRAPH = "1.2.840.10008.5.1.4.1.1.1"
FUNDUS = "1.2.840.10008.5.1.4.1.1.77.1.5.1"
LONGEST = 16
"""Characters of an accession number (PS3.5 6.2, SH)."""


def instance(pixels: NDArray[Any], *, patient: str, number: str, modality: str, view: str | None = None, sex: str | None = None,
             age_years: int | None = None, study: str | None = None, sop_class: str = SECONDARY, more: Mapping[str, object] | None = None) -> bytes:  # fmt: skip
    """One instance.

    pixels   (rows, columns) or (rows, columns, 3), uint8 or uint16
    number   accession number: what the labels call this image
    study    what images of one study share; the number itself by default
    more     further attributes by keyword, which go before those set here
    """
    from pydicom.dataset import FileDataset

    if not 0 < len(number) <= LONGEST:
        raise Misconfigured(f"an accession number has 1 to {LONGEST} characters, and this one {len(number)}", where="number", do="give the images shorter numbers")
    study_uid = uid("study", patient, study or number)
    dataset = FileDataset("", {}, file_meta=_meta(sop_class, uid("instance", patient, number)), preamble=b"\0" * 128)
    told: dict[str, object] = {
        "SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": sop_class, "SOPInstanceUID": uid("instance", patient, number), "StudyDate": "", "StudyTime": "",
        "AccessionNumber": number, "Modality": modality, "ReferringPhysicianName": "", "PatientName": "", "PatientID": patient, "PatientBirthDate": "",
        "PatientSex": sex or "", "StudyInstanceUID": study_uid, "SeriesInstanceUID": uid("series", patient, number), "StudyID": "", "SeriesNumber": "1",
        "InstanceNumber": "1", "PatientOrientation": "", "Laterality": "", "Manufacturer": "", "ImageType": ["DERIVED", "SECONDARY"],
        **({"PatientAge": f"{min(age_years, 999):03d}Y"} if age_years is not None else {}), **({"ViewPosition": view} if view else {}),
        **({"ConversionType": "WSD"} if sop_class == SECONDARY else {"BodyPartExamined": "", "ViewPosition": view or ""}), **_pixels(pixels), **(more or {}),
    }  # fmt: skip
    for keyword, value in told.items():
        setattr(dataset, keyword, value)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def picture(path: Path) -> NDArray[Any]:
    """Pixels of a PNG, JPEG or TIFF file: grey of 8 or 16 bits, or red, green and blue. Raises `Malformed`."""
    image = need("PIL.Image", extra="imaging")
    try:
        with image.open(path) as opened:
            if opened.mode.startswith("I;16"):
                return np.array(opened, dtype=np.uint16)
            if opened.mode == "I":
                return np.asarray(np.clip(np.array(opened), 0, 65535), np.uint16)
            return np.array(opened if opened.mode == "L" else opened.convert("L" if opened.mode in ("1", "LA") else "RGB"), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, image.DecompressionBombError) as error:
        raise Malformed(f"not a picture that can be read ({type(error).__name__})", where="a file of the set", do="fetch it again") from None


def uid(*parts: str) -> str:
    """A UID of a name (PS3.5 B.2: 2.25 and a number of 128 bits)."""
    return "2.25." + str(int(sha256("\0".join(parts).encode())[:32], 16))


def _meta(sop_class: str, instance_uid: str) -> Any:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, instance_uid
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, uid("bedside")
    return meta


def _pixels(pixels: NDArray[Any]) -> dict[str, object]:
    colour, bits = pixels.ndim == 3, pixels.dtype.itemsize * 8
    raw = np.ascontiguousarray(pixels, dtype=f"<u{bits // 8}").tobytes()
    return {
        "SamplesPerPixel": 3 if colour else 1, "PhotometricInterpretation": "RGB" if colour else "MONOCHROME2", **({"PlanarConfiguration": 0} if colour else {}),
        "Rows": pixels.shape[0], "Columns": pixels.shape[1], "BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1, "PixelRepresentation": 0,
        "PixelData": raw + b"\0" * (len(raw) % 2),
    }  # fmt: skip
