"""A TIFF pyramid as DICOM whole-slide instances, one a level: how TIFF slides come onto the spine.

In        a TIFF that tiffslide reads; whose slide it is and what labels call it
Out       bytes of each level, largest first, the same for the same input; tiles uncompressed, so that not a pixel changes
          (a slide whose TIFF is JPEG grows about tenfold: PS3.5 allows JPEG tiles, and a later version may copy them)
Standard  DICOM PS3.3 A.32.8 (VL Whole Slide Microscopy), C.8.12.4, C.7.6.17 (TILED_FULL)
Use       python -m bedside.pillars.imaging.slides.convert slides.csv OUT    with columns file, patient, slide (at most 16 characters)
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bedside.core.errors import Misconfigured
from bedside.pillars.imaging.planes.wrap import LONGEST, uid
from bedside.pillars.imaging.slides.open import Level, Slide, opened

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
TILE = 256
_UNKNOWN = "20000101000000"
"""AcquisitionDateTime is required (type 1), and a TIFF does not tell it."""


def convert(path: Path, *, patient: str, slide: str, tile: int = TILE) -> Iterator[bytes]:
    """The instances of one slide."""
    if not 0 < len(slide) <= LONGEST:
        raise Misconfigured(f"a slide's name has 1 to {LONGEST} characters, and this one {len(slide)}", where="slide", do="give the slides shorter names")
    with opened([path]) as source:
        for level in source.levels:
            yield _instance(source, level, patient, slide, tile)


def _instance(source: Slide, level: Level, patient: str, slide: str, tile: int) -> bytes:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    own = uid("instance", patient, slide, str(level.number))
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = WHOLE_SLIDE, own
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, uid("bedside")
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    across, down = -(-level.columns // tile), -(-level.rows // tile)
    frames = [source.read(level, column * tile, row * tile, tile, tile).tobytes() for row in range(down) for column in range(across)]
    pixels = b"".join(frames)
    told = {**_whose(patient, slide, own, level), **_matrix(source, level, tile, across * down), "PixelData": pixels + b"\0" * (len(pixels) % 2)}
    for keyword, value in told.items():
        setattr(dataset, keyword, value)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _whose(patient: str, slide: str, own: str, level: Level) -> dict[str, object]:
    return {
        "SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": WHOLE_SLIDE, "SOPInstanceUID": own, "StudyDate": "", "StudyTime": "", "ContentDate": _UNKNOWN[:8],
        "ContentTime": _UNKNOWN[8:], "AcquisitionDateTime": _UNKNOWN, "AccessionNumber": slide, "Modality": "SM", "Manufacturer": "unknown",
        "ManufacturerModelName": "unknown", "DeviceSerialNumber": "unknown", "SoftwareVersions": "unknown", "ReferringPhysicianName": "", "PatientName": "",
        "PatientID": patient, "PatientBirthDate": "", "PatientSex": "", "StudyInstanceUID": uid("study", patient, slide),
        "SeriesInstanceUID": uid("series", patient, slide), "StudyID": "", "SeriesNumber": "1", "InstanceNumber": str(level.number + 1),
        "FrameOfReferenceUID": uid("frame", patient, slide), "PositionReferenceIndicator": "SLIDE_CORNER", "ContainerIdentifier": slide,
        "IssuerOfTheContainerIdentifierSequence": [], "ContainerTypeCodeSequence": [_code("433466003", "SCT", "Microscope slide")],
        "SpecimenDescriptionSequence": [_item(SpecimenIdentifier=slide, SpecimenUID=uid("specimen", patient, slide),
                                              IssuerOfTheSpecimenIdentifierSequence=[], SpecimenPreparationSequence=[])],
        "AcquisitionContextSequence": [], "BurnedInAnnotation": "NO",
    }  # fmt: skip


def _matrix(source: Slide, level: Level, tile: int, frames: int) -> dict[str, object]:
    """Size, scale and colour of a level (C.8.12.4, C.7.6.17); the spacing is in mm, the imaged volume too."""
    spacing = level.mpp / 1000
    measures = _item(PixelSpacing=[f"{spacing:.10g}", f"{spacing:.10g}"], SliceThickness="0.001")
    kind = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"] if level.down == 1 else ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]
    base = source.levels[0]
    return {
        "ImageType": kind, "NumberOfFrames": frames, "Rows": tile, "Columns": tile, "TotalPixelMatrixColumns": level.columns, "TotalPixelMatrixRows": level.rows,
        "TotalPixelMatrixFocalPlanes": 1, "ImagedVolumeWidth": float(base.columns * base.mpp / 1000), "ImagedVolumeHeight": float(base.rows * base.mpp / 1000),
        "ImagedVolumeDepth": 1.0, "DimensionOrganizationType": "TILED_FULL", "NumberOfOpticalPaths": 1, "FocusMethod": "AUTO", "ExtendedDepthOfField": "NO",
        "SpecimenLabelInImage": "NO", "VolumetricProperties": "VOLUME", "ImageOrientationSlide": [0, -1, 0, -1, 0, 0],
        "TotalPixelMatrixOriginSequence": [_item(XOffsetInSlideCoordinateSystem="0", YOffsetInSlideCoordinateSystem="0")],
        "SharedFunctionalGroupsSequence": [_item(PixelMeasuresSequence=[measures], WholeSlideMicroscopyImageFrameTypeSequence=[_item(FrameType=kind)],
                                                 OpticalPathIdentificationSequence=[_item(OpticalPathIdentifier="1")])],
        "DimensionOrganizationSequence": [_item(DimensionOrganizationUID=uid("dimension"))],
        "OpticalPathSequence": [_item(OpticalPathIdentifier="1", IlluminationColorCodeSequence=[_code("414298005", "SCT", "Full Spectrum")], ICCProfile=_profile(),
                                      IlluminationTypeCodeSequence=[_code("111744", "DCM", "Brightfield illumination")])],
        "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7,
        "PixelRepresentation": 0, "LossyImageCompression": "00",
    }  # fmt: skip


def _item(**told: object) -> Any:
    from pydicom import Dataset

    made = Dataset()
    for keyword, value in told.items():
        setattr(made, keyword, value)
    return made


def _code(value: str, scheme: str, meaning: str) -> Any:
    return _item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _profile() -> bytes:
    """The ICC profile of sRGB, without the time at which it was made."""
    from bedside.core.lazy import need

    cms = need("PIL.ImageCms", extra="imaging")
    raw = bytearray(cms.ImageCmsProfile(cms.createProfile("sRGB")).tobytes())
    raw[24:36] = b"\x07\xd0\x00\x01\x00\x01" + b"\0" * 6  # ICC.1:2022 7.2.8: date and time, here 2000-01-01
    return bytes(raw) + b"\0" * (len(raw) % 2)


def main(arguments: list[str]) -> int:
    """Convert every slide that a table lists."""
    if len(arguments) != 2:
        print(__doc__)
        return 2
    table, out = Path(arguments[0]), Path(arguments[1])
    with table.open(newline="") as stream:
        for row in csv.DictReader(stream):
            for number, data in enumerate(convert(table.parent / row["file"], patient=row["patient"], slide=row["slide"])):
                path = out / row["slide"] / f"level-{number}.dcm"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            print(f"{row['slide']}: {number + 1} levels")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))


