"""DICOM instances: what the standard wrote comes back byte for byte, what is cut off is refused."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path

import pydicom.data
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from bedside.core.errors import Malformed
from bedside.formats import dicom

_SYNTAXES = st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])


def instance(name: str = "Featherstonehaugh^Ada", syntax: str = ExplicitVRLittleEndian, pixels: bytes = b"\1\2\3\4") -> bytes:
    data, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    data.file_meta = meta
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", generate_uid(entropy_srcs=["one"])
    data.SpecificCharacterSet, data.PatientName, data.PatientID, data.Modality = "ISO_IR 192", name, "4711", "CR"
    data.Rows, data.Columns, data.BitsAllocated, data.PixelRepresentation, data.SamplesPerPixel = 2, 2, 8, 0, 1
    data.PixelData = pixels
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, data, enforce_file_format=True, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
    return buffer.getvalue()


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\^="), min_size=1, max_size=20), _SYNTAXES)
def test_an_untouched_instance_keeps_its_bytes(name: str, syntax: str) -> None:
    raw = instance(name, syntax)
    assert dicom.dump(dicom.parse(raw, where="x")) == raw


@given(st.integers(140, 700), _SYNTAXES)
def test_an_instance_cut_off_anywhere_is_refused_or_ends_between_elements(cut: int, syntax: str) -> None:
    raw = instance(syntax=syntax)
    if cut >= len(raw):
        return
    try:
        found = dicom.parse(raw[:cut], where="x")
    except Malformed:
        return
    assert "PixelData" not in found


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"\0" * 128 + b"DICM" + tail))
def test_no_bytes_crash_the_reading(raw: bytes) -> None:
    with pytest.raises(Malformed):
        dicom.parse(raw, where="x")


def test_an_edit_is_written_in_the_same_transfer_syntax() -> None:
    found = dicom.parse(instance(syntax=ImplicitVRLittleEndian), where="x")
    found.PatientName = "P000000000001"
    again = dicom.parse(dicom.dump(found), where="x")
    assert str(again.PatientName) == "P000000000001"
    assert again.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert again.PixelData == b"\1\2\3\4"


def test_pixels_may_be_left_unread() -> None:
    assert "PixelData" not in dicom.parse(instance(), where="x", stop_before_pixels=True)


def test_a_strange_value_raises_no_warning_that_would_repeat_it() -> None:
    raw = instance().replace(b"4711", b"4\x007a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dicom.parse(raw, where="x").PatientID


def test_pydicoms_own_files_are_read_or_refused_never_crashed_on() -> None:
    folder, same = Path(pydicom.data.__file__).parent / "test_files", 0
    for path in sorted(folder.glob("*.dcm")):
        raw = path.read_bytes()
        if len(raw) < 100_000:
            try:
                same += dicom.dump(dicom.parse(raw, where=path.name)) == raw
            except Malformed as error:
                assert error.do
    assert same >= 30
