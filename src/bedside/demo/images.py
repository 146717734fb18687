"""A made MR department: phantoms of two bodies in a noisy head of water, as DICOM series with DICOM SEG masks drawn by nobody.

In        a folder, a seed
Out       <folder>/raw/mr/<patient>/<nnn>.dcm (MR instances, one a slice) and mask.dcm (SEG with references to them); study.toml
Bad       one patient's series lacks a slice, one's holds two orientations, one's mask lies elsewhere: each is told by the run
Source    DICOM PS3.3 A.4 (MR image IOD); SEG by highdicom
"""

from __future__ import annotations

import io
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.core.lazy import need

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_ROOT = "1.2.826.0.1.3680043.8.498."  # pydicom's own root: made UIDs live under it
_FAMILY = ("Aldermann", "Brezina", "Castellan", "Dombrowska", "Eriksholm", "Fontanari", "Gwizdala", "Halvorsen", "Ishikawara", "Jankulovska")
_GIVEN = ("Adelheid", "Bartholome", "Concetta", "Dagobert", "Evangeline", "Ferdinande", "Gundula", "Hieronymus")
_SCANNERS = (("Bedside (made)", "Phantom 1"), ("Bedside (made)", "Phantom 2"))
PATIENTS, _SHAPE, _SPACING = 20, (14, 28, 28), (3.0, 2.0, 2.0)
SHORT, TURNED, ELSEWHERE = 3, 7, 11
"""Patients whose series lacks a slice, holds two orientations, whose mask lies elsewhere."""


class Patient(NamedTuple):
    """Who is on the image: made, and full of identifiers for de-identification to find."""

    number: int
    family: str
    given: str
    mrn: str
    sex: str
    years: int


def patient(index: int) -> Patient:
    """The made patient of a number."""
    family, given = _FAMILY[index % len(_FAMILY)], _GIVEN[index // len(_FAMILY) % len(_GIVEN)]
    return Patient(index, family, given, f"{70_400_000 + 7919 * index}", "FM"[index % 2], 21 + index * 11 % 66)


def write(out: Path, *, seed: int = 1) -> None:
    """Raw files and study.toml."""
    for index in range(PATIENTS):
        who, folder = patient(index), out / "raw" / "mr" / f"{patient(index).mrn}"
        folder.mkdir(parents=True, exist_ok=True)
        voxels, labels = phantom(np.random.Generator(np.random.PCG64([seed, index])))
        affine = _affine(_SPACING, (-28.0, -28.0, -20.0))
        slices = instances(voxels, affine, who, seed=seed)
        mask = segmentation(labels, slices, ("ball", "rod"), seed=seed)
        if index == SHORT:
            del slices[6]
        elif index == TURNED:
            slices[-1].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        elif index == ELSEWHERE:
            mask.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [1.0, 1.0]
        for number, one in enumerate(slices):
            (folder / f"{number:03d}.dcm").write_bytes(encoded(one))
        (folder / "mask.dcm").write_bytes(encoded(mask))
    (out / "study.toml").write_text(files("bedside.demo").joinpath("images.toml").read_text(encoding="utf-8"), encoding="utf-8")


def phantom(drawn: np.random.Generator) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """A head of water with a bright ball and a dark rod somewhere in it, and what is what (1 ball, 2 rod)."""
    z, y, x = (axis * step for axis, step in zip(np.indices(_SHAPE).astype(np.float64), _SPACING, strict=True))
    centre = np.array([size * step / 2 for size, step in zip(_SHAPE, _SPACING, strict=True)])
    head = sum(((axis - middle) / (middle * 0.9)) ** 2 for axis, middle in zip((z, y, x), centre, strict=True)) < 1
    ball = _body((z, y, x), centre + drawn.uniform(-4, 4, 3) - (0, 0, 10), drawn.uniform(6, 9, 3))
    rod = _body((z, y, x), centre + drawn.uniform(-4, 4, 3) + (0, 0, 11), drawn.uniform((9, 5, 5), (13, 7, 7)))
    shaded = 1 + 0.15 * np.sin(x / 20 + drawn.uniform(0, 6))
    picture = (400.0 * head + 250.0 * (ball & head) - 220.0 * (rod & head)) * shaded + drawn.normal(0, 45, _SHAPE)
    return np.clip(picture, 0, 4095).astype(np.int16), np.where(rod & head, 2, np.where(ball & head, 1, 0)).astype(np.uint8)


def _body(axes: tuple[NDArray[np.float64], ...], centre: NDArray[np.float64], radius: NDArray[np.float64]) -> NDArray[np.bool_]:
    told: NDArray[np.float64] = sum(((axis - at) / size) ** 2 for axis, at, size in zip(axes, centre, radius, strict=True))
    return told < 1


def _affine(spacing: Sequence[float], origin: Sequence[float]) -> NDArray[np.float64]:
    """(slice, row, column) to mm, axial."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = spacing
    affine[:3, 3], affine[3, 3] = origin, 1
    return affine


def instances(voxels: NDArray[np.int16], affine: NDArray[np.float64], who: Patient, *, seed: int = 1) -> list[Any]:
    """One MR data set a slice; slices follow each other along the first axis of the affine (LPS)."""
    study = f"{_ROOT}{seed}.{who.number + 1}"
    return [_instance(plane, index, affine, who, study) for index, plane in enumerate(voxels)]


def _instance(plane: NDArray[np.int16], index: int, affine: NDArray[np.float64], who: Patient, study: str) -> Any:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, f"{study}.1.{index + 1}"
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, _ROOT + "1"
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    for keyword, value in {**_who(who), **_study(who, study, index), **_plane(plane, index, affine)}.items():
        setattr(made, keyword, value)
    return made


def _who(who: Patient) -> dict[str, object]:
    return {
        "SpecificCharacterSet": "ISO_IR 192", "PatientName": f"{who.family}^{who.given}", "PatientID": who.mrn, "PatientSex": who.sex,
        "PatientAge": f"{who.years:03d}Y", "PatientBirthDate": f"{2024 - who.years}0{1 + who.number % 9}17",
        "PatientAddress": f"{3 + who.number} Made Lane, Albany, NY 12203", "ReferringPhysicianName": "Zimmerman^Ruth",
        "InstitutionName": "Made General Hospital", "PatientIdentityRemoved": "NO",
    }  # fmt: skip


def _study(who: Patient, study: str, index: int) -> dict[str, object]:
    date, (maker, model) = f"2024{1 + who.number % 12:02d}{1 + who.number * 5 % 28:02d}", _SCANNERS[who.number % 2]
    return {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "SOPInstanceUID": f"{study}.1.{index + 1}", "StudyInstanceUID": study,
        "SeriesInstanceUID": f"{study}.1", "FrameOfReferenceUID": f"{study}.9", "StudyID": "1", "AccessionNumber": f"M{who.mrn}",
        "StudyDate": date, "StudyTime": "101500", "SeriesDate": date, "SeriesTime": "101900", "ContentDate": date, "ContentTime": "102000",
        "Modality": "MR", "SeriesNumber": 1, "InstanceNumber": index + 1, "Manufacturer": maker, "ManufacturerModelName": model,
        "StudyDescription": f"Head of {who.given} {who.family}", "BodyPartExamined": "HEAD", "ImageType": ["ORIGINAL", "PRIMARY", "M"],
        "PatientPosition": "HFS", "PositionReferenceIndicator": "", "Laterality": "", "ScanningSequence": "SE", "SequenceVariant": "NONE",
        "ScanOptions": "", "MRAcquisitionType": "3D", "EchoTime": 4.0, "EchoTrainLength": 1, "BurnedInAnnotation": "NO",
    }  # fmt: skip


def _plane(plane: NDArray[np.int16], index: int, affine: NDArray[np.float64]) -> dict[str, object]:
    down, across = affine[:3, 1], affine[:3, 2]
    rows, columns = float(np.linalg.norm(down)), float(np.linalg.norm(across))
    step = round(float(np.linalg.norm(affine[:3, 0])), 6)
    return {
        "ImagePositionPatient": [round(float(one), 6) for one in affine[:3, 3] + index * affine[:3, 0]],
        "ImageOrientationPatient": [round(float(one), 6) for one in (*(across / columns), *(down / rows))],
        "PixelSpacing": [round(rows, 6), round(columns, 6)], "SliceThickness": step, "SpacingBetweenSlices": step, "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "Rows": plane.shape[0], "Columns": plane.shape[1], "BitsAllocated": 16, "BitsStored": 16,
        "HighBit": 15, "PixelRepresentation": 1, "PixelData": np.ascontiguousarray(plane, "<i2").tobytes(),
    }  # fmt: skip


def segmentation(labels: NDArray[np.uint8], slices: Sequence[Any], names: Sequence[str], *, seed: int = 1) -> Any:
    """A SEG (binary) of the labels 1, 2, ... on these slices; segments are named as told."""
    highdicom = need("highdicom", extra="imaging")
    from pydicom.sr.codedict import codes

    series = str(slices[0].StudyInstanceUID)
    described = [highdicom.seg.SegmentDescription(number, name, codes.SCT.AnatomicalStructure, codes.SCT.AnatomicalStructure, "MANUAL")
                 for number, name in enumerate(names, 1)]  # fmt: skip
    made = highdicom.seg.Segmentation(
        source_images=list(slices), pixel_array=labels, segmentation_type="BINARY", segment_descriptions=described, series_instance_uid=f"{series}.2",
        series_number=2, sop_instance_uid=f"{series}.2.1", instance_number=1, manufacturer="Bedside (made)", manufacturer_model_name="phantom",
        software_versions="1", device_serial_number="1", content_label="MASK", content_creator_name="Zimmerman^Ruth",
    )  # fmt: skip
    for told in ("ContentDate", "SeriesDate", "ContentTime", "SeriesTime"):
        setattr(made, told, slices[0].get(told))
    # what highdicom draws by chance or by the clock: the same seed gives the same bytes
    made.InstanceCreationDate, made.InstanceCreationTime = made.ContentDate, made.ContentTime
    for one in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        one.DimensionOrganizationUID = f"{series}.2.2"
    del made.ContributingEquipmentSequence
    return made


def encoded(dataset: Any) -> bytes:
    """Part 10 bytes."""
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
