"""Chest radiographs of the made hospital: small CR images drawn with numpy, headers full of identifiers.

In        persons whose turn it is (about one in seven)
Out       <folder>/<PatientID>/<accession>.dcm, Explicit VR Little Endian, 96 x 96, 12 bits in 16
Source    DICOM PS3.3 A.2 (CR image IOD), PS3.5, PS3.10
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bedside.demo.people import number_of
from bedside.demo.records import Person, Stay
from bedside.demo.times import HOUR, clear, local
from bedside.demo.vocabulary import MADE

_SIZE = 96
_ROOT = "1.2.826.0.1.3680043.8.498."  # pydicom's own root: made UIDs live under it
_EVERY, _FROM = 7, 3
_BURNT_EVERY = 4
_FONT = {  # 3 x 5 dots a character, rows as three-bit numbers
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757", "7": "71222", "8": "75757",
    "9": "75717",
    "A": "25755", "B": "65656", "C": "34443", "D": "65556", "E": "74647", "F": "74644", "G": "34553", "H": "55755", "I": "72227",
    "J": "11152",
    "K": "55655", "L": "44447", "M": "57755", "N": "67755", "O": "25552", "P": "65644", "Q": "25563", "R": "65655", "S": "34216",
    "T": "72222",
    "U": "55557", "V": "55552", "W": "55775", "X": "55255", "Y": "55222", "Z": "71247", " ": "00000",
}  # fmt: skip


class Image(NamedTuple):
    """A radiograph to be made: the stay it belongs to, its minute, its accession, its study UID."""

    stay: Stay
    at: int
    accession: str
    study: str


def planned(person: Person, seed: int) -> Image | None:
    """The radiograph of a person, for about one in seven."""
    stay = next((one for one in person.stays if one.kind == "IMP"), None)
    if stay is None or person.index % _EVERY != _FROM:
        return None
    number = number_of(person.index, seed, "accession")
    return Image(stay, clear(min(stay.start + 2 * HOUR + person.index % 50, stay.end - 10)), f"R{number}001",
                 f"{_ROOT}{int(number)}.{seed}.1")  # fmt: skip


def burnt(person: Person) -> bool:
    """Whether name and number are burnt into this person's radiograph."""
    return person.index // _EVERY % _BURNT_EVERY == 0


def add(folder: Path, person: Person, image: Image) -> Path:
    """Write one radiograph and return its path."""
    issuer = "CLIN" if person.who.clinic_mrn else "HOSP"
    number = person.who.clinic_mrn or person.who.mrn
    path = folder / number / f"{image.accession}.dcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(person, image, number, issuer))
    return path


def encode(person: Person, image: Image, number: str, issuer: str) -> bytes:
    """The bytes of one CR instance."""
    from pydicom.dataset import FileDataset

    marked = burnt(person)
    dataset = FileDataset("", {}, file_meta=_meta(image.study), preamble=b"\0" * 128)
    for keyword, value in {**_who(person, image, number, issuer), **_study(image),
                           **_pixels(_draw(person, image, marked=marked))}.items():  # fmt: skip
        setattr(dataset, keyword, value)
    dataset.BurnedInAnnotation = "YES" if marked else "NO"
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _meta(study: str) -> Any:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ComputedRadiographyImageStorage, study + ".1.1"
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, _ROOT + "1"
    return meta


def _who(person: Person, image: Image, number: str, issuer: str) -> dict[str, object]:
    who, doctor, home = person.who, image.stay.doctor, person.who.address
    years = local(image.at).year - int(who.birth_date[:4])
    return {
        "SpecificCharacterSet": "ISO_IR 192", "PatientName": f"{who.family}^{who.given}^{who.middle}", "PatientID": number,
        "IssuerOfPatientID": issuer,
        "PatientBirthDate": who.birth_date.replace("-", ""), "PatientSex": who.sex, "PatientAge": f"{min(years, 999):03d}Y",
        "OtherPatientNames": who.kin_name, "PatientAddress": f"{home.street}, {home.city}, {home.state} {home.postal_code}",
        "PatientTelephoneNumbers": who.phone, "PatientComments": MADE, "PatientIdentityRemoved": "NO",
        "AdmissionID": image.stay.number,
        "ReferringPhysicianName": f"{doctor.family}^{doctor.given}", "PhysiciansOfRecord": f"{doctor.family}^{doctor.given}",
        "OperatorsName": "Zimmerman^Ruth", "InstitutionName": "Made General Hospital",
        "InstitutionAddress": "1 Example Square, Albany, NY 12203",
    }  # fmt: skip


def _study(image: Image) -> dict[str, object]:
    when = local(image.at)
    date, time = f"{when:%Y%m%d}", f"{when:%H%M%S}"
    return {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "SOPInstanceUID": image.study + ".1.1", "StudyInstanceUID": image.study,
        "SeriesInstanceUID": image.study + ".1", "StudyID": image.accession, "AccessionNumber": image.accession, "StudyDate": date,
        "StudyTime": time,
        "SeriesDate": date, "SeriesTime": time, "AcquisitionDate": date, "AcquisitionTime": time, "ContentDate": date,
        "ContentTime": time,
        "Modality": "CR", "BodyPartExamined": "CHEST", "ViewPosition": "AP", "StudyDescription": "Chest, one view",
        "SeriesNumber": 1, "InstanceNumber": 1,
        "Manufacturer": "Bedside (made)", "ManufacturerModelName": "Made radiograph", "StationName": "MADECR1",
        "DeviceSerialNumber": "MADE-000-17",
        "ImageComments": MADE,
    }  # fmt: skip


def _pixels(picture: NDArray[np.uint16]) -> dict[str, object]:
    return {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Rows": _SIZE, "Columns": _SIZE, "BitsAllocated": 16,
            "BitsStored": 12,
            "HighBit": 11, "PixelRepresentation": 0, "PixelSpacing": [3.6, 3.6], "WindowCenter": 2048, "WindowWidth": 4096,
            "PixelData": picture.astype("<u2").tobytes()}  # fmt: skip


def _draw(person: Person, image: Image, *, marked: bool) -> NDArray[np.uint16]:
    """A thorax out of ellipses: body, two lungs, heart, spine, ribs; one lung hazy in pneumonia."""
    random = np.random.Generator(np.random.PCG64([person.index, image.at]))
    y, x = np.mgrid[-1 : 1 : _SIZE * 1j, -1 : 1 : _SIZE * 1j]
    picture = 2600.0 * _inside(x, y, 0, 0.1, 0.95, 1.15)
    for side in (-1, 1):
        hazy = 0.5 if side == 1 and image.stay.diagnoses[0][0].startswith(("J1", "J6")) else 1.0
        picture -= 1500.0 * hazy * _inside(x, y, 0.42 * side, -0.05, 0.30, 0.62)
    picture += 900.0 * _inside(x, y, 0.14, 0.30, 0.30, 0.30) + 500.0 * (np.abs(x) < 0.07)
    picture += 130.0 * np.sin(18 * (y + 0.25 * x**2)) * (np.abs(x) > 0.1)
    picture += random.normal(0.0, 60.0, picture.shape)
    made = np.clip(picture, 0, 4095).astype(np.uint16)
    if marked:
        _stamp(made, 2, person.who.family)
        _stamp(made, 9, person.who.mrn)
    return made


def _inside(x: NDArray[np.float64], y: NDArray[np.float64], at_x: float, at_y: float, width: float,
            height: float) -> NDArray[np.float64]:  # fmt: skip
    """1 well inside an ellipse, 0 outside, soft at the edge."""
    return np.asarray(np.clip(6.0 * (1.0 - ((x - at_x) / width) ** 2 - ((y - at_y) / height) ** 2), 0.0, 1.0))


def _stamp(picture: NDArray[np.uint16], top: int, text: str) -> None:
    """Burn letters and digits into the pixels; what the font lacks is left blank."""
    for place, letter in enumerate(text.upper()[:22]):
        for row, bits in enumerate(_FONT.get(letter, "00000")):
            for column in range(3):
                if int(bits) >> (2 - column) & 1:
                    picture[top + row, 3 + 4 * place + column] = 4095
