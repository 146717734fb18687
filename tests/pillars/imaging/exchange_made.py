"""Series made for the exchange tests: ellipsoids of labels, and the instances that they lie on, in every way that a stack can lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from bedside.pillars.imaging.exchange.author import uid_of

MR, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"
SPACING = (0.75, 1.25)  # rows, columns, mm
GAP = 2.5
SHAPE = (7, 10, 12)
_OBLIQUE = np.linalg.qr(np.array([[0.9, 0.2, 0.1], [-0.3, 0.8, 0.4], [0.05, -0.4, 0.9]]))[0]
ORIENTATIONS: dict[str, list[float]] = {
    "axial": [1, 0, 0, 0, 1, 0],
    "sagittal": [0, 1, 0, 0, 0, -1],
    "coronal": [1, 0, 0, 0, 0, -1],
    "oblique": [round(float(x), 12) for x in (*_OBLIQUE[:, 0], *_OBLIQUE[:, 1])],
    "feet first, prone": [-1, 0, 0, 0, -1, 0],
}


def affine_of(cosines: list[float], *, flipped: bool = False, origin: tuple[float, float, float] = (-31.25, 17.5, -104.0)) -> Any:
    """(slice, row, column) to mm LPS."""
    right, down = np.array(cosines[:3]), np.array(cosines[3:])
    across = np.cross(right, down) * (-GAP if flipped else GAP)
    return np.vstack([np.stack([across, down * SPACING[0], right * SPACING[1], origin], axis=1), [0, 0, 0, 1]])


def series(cosines: list[float], *, name: str = "s", flipped: bool = False, shape: tuple[int, int, int] = SHAPE, voxels: Any = None) -> list[FileDataset]:
    """One instance a slice, in the order of the slices."""
    affine = affine_of(cosines, flipped=flipped)
    pixels = voxels if voxels is not None else np.zeros(shape, np.uint16)
    return [_single(cosines, affine[:3, 3] + k * affine[:3, 0], name, k, plane) for k, plane in enumerate(pixels)]


def multiframe(cosines: list[float], *, name: str = "m", flipped: bool = False) -> FileDataset:
    """The same stack as one enhanced instance."""
    affine, made = affine_of(cosines, flipped=flipped), _common(ENHANCED_MR, name, 0)
    made.Rows, made.Columns, made.NumberOfFrames = SHAPE[1], SHAPE[2], SHAPE[0]
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient, measures.PixelSpacing, measures.SliceThickness = cosines, list(SPACING), GAP
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    made.SharedFunctionalGroupsSequence = [shared]
    made.PerFrameFunctionalGroupsSequence = [_group(affine[:3, 3] + k * affine[:3, 0]) for k in range(SHAPE[0])]
    made.PixelData = bytes(2 * int(np.prod(SHAPE)))
    return made


def _group(position: Any) -> Dataset:
    group, place = Dataset(), Dataset()
    place.ImagePositionPatient = [round(float(x), 10) for x in position]
    group.PlanePositionSequence = [place]
    return group


def _single(cosines: list[float], position: Any, name: str, k: int, plane: Any) -> FileDataset:
    made = _common(MR, name, k)
    made.ImageOrientationPatient, made.ImagePositionPatient = cosines, [round(float(x), 10) for x in position]
    made.PixelSpacing, made.SliceThickness = list(SPACING), GAP
    made.Rows, made.Columns = plane.shape
    made.PixelData = np.ascontiguousarray(plane, np.uint16).tobytes()
    return made


def _common(sop_class: str, name: str, k: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, uid_of("made", name, str(k))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128), is_implicit_VR=False)
    made.SpecificCharacterSet = "ISO_IR 100"
    made.SOPClassUID, made.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    made.StudyInstanceUID, made.SeriesInstanceUID = uid_of("study", name), uid_of("series", name)
    made.FrameOfReferenceUID, made.PositionReferenceIndicator = uid_of("frame", name), ""
    made.PatientName, made.PatientID, made.PatientBirthDate, made.PatientSex = "Müller^Zwölf", "MRN-4711", "19500512", "F"
    made.StudyDate, made.StudyTime, made.StudyID, made.AccessionNumber, made.ReferringPhysicianName = "20240102", "101112", "1", "A1", ""
    made.ContentDate, made.ContentTime, made.SeriesDate, made.SeriesTime = "20240102", "101112", "20240102", "101112"
    made.Modality, made.SeriesNumber, made.InstanceNumber, made.Manufacturer = "MR", 3, k + 1, "Made"
    made.ImageType, made.PatientPosition = ["ORIGINAL", "PRIMARY"], "HFS"
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    return made


def labels(shape: tuple[int, int, int] = SHAPE) -> Any:
    """Two lopsided structures with no symmetry that a flip could hide behind; the outermost slices hold nothing."""
    out = np.zeros(shape, np.uint8)
    out[2:5, 1:4, 2:9] = 1
    out[3, 4, 2] = 1
    out[2:4, 6:8, 5:7] = 2
    out[4, 8, 10] = 2
    return out
