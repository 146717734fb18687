"""Frames of every layout are painted where they lie, and nothing else of them changes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from bedside.core.errors import Malformed
from bedside.deidentify.pixels_frames import Frames

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def image(pixels: np.ndarray, kind: str = "MONOCHROME2", syntax: Any = ExplicitVRLittleEndian, **more: Any) -> Dataset:
    """An instance; pixels (frames, rows, columns) or (frames, rows, columns, 3)."""
    one = Dataset()
    one.SOPClassUID, one.SOPInstanceUID, one.PhotometricInterpretation = "1.2.840.10008.5.1.4.1.1.7", "1.2.3", kind
    one.NumberOfFrames, one.Rows, one.Columns = pixels.shape[:3]
    one.SamplesPerPixel = 3 if pixels.ndim == 4 else 1
    bits = pixels.dtype.itemsize * 8
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = bits, bits, bits - 1, int(pixels.dtype.kind == "i")
    if pixels.ndim == 4:
        one.PlanarConfiguration = 0
    for name, value in more.items():
        setattr(one, name, value)
    if one.get("PlanarConfiguration") == 1:
        pixels = pixels.transpose(0, 3, 1, 2)
    raw = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<"))).tobytes()
    one.PixelData = raw + b"\0" * (len(raw) % 2)
    one["PixelData"].VR = "OB" if bits == 8 else "OW"
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = syntax
    return one


def corner(rows: int, columns: int) -> np.ndarray:
    mask = np.zeros((rows, columns), bool)
    mask[: (rows + 1) // 2, : columns // 2] = True
    return mask


def painted(dataset: Dataset, frames: tuple[int, ...] = (0,)) -> Frames:
    found = Frames(dataset, where="test")
    found.paint(lambda index: corner(found.rows, found.columns) if index in frames else None)
    return Frames(dataset, where="test")


@settings(max_examples=60, deadline=None)
@given(
    syntax=st.sampled_from(NATIVE),
    dtype=st.sampled_from(["u1", "i1", "u2", "i2", "u4", "i4"]),
    frames=st.integers(1, 3), rows=st.integers(1, 7), columns=st.integers(2, 9),
    kind=st.sampled_from(["MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL"]),
    planar=st.integers(0, 1), seed=st.integers(0, 2**31),
)  # fmt: skip
def test_native_pixels_outside_the_boxes_keep_their_bits(syntax, dtype, frames, rows, columns, kind, planar, seed):
    colour = kind in ("RGB", "YBR_FULL")
    shape = (frames, rows, columns, 3) if colour else (frames, rows, columns)
    info = np.iinfo(dtype if not colour else "u1")
    pixels = np.random.default_rng(seed).integers(info.min, info.max, shape, info.dtype, endpoint=True)
    dataset = image(pixels, kind, syntax, **({"PlanarConfiguration": planar} if colour else {}))
    before, mask = bytes(dataset.PixelData), corner(rows, columns)
    after = painted(dataset, (frames - 1,))
    for index in range(frames - 1):
        assert np.array_equal(after.frame(index), pixels[index])
    last = after.frame(frames - 1)
    assert np.array_equal(last[~mask], pixels[-1][~mask])
    black = {"MONOCHROME1": pixels[-1].max(), "MONOCHROME2": pixels[-1].min(), "RGB": [0, 0, 0], "YBR_FULL": [0, 128, 128]}[kind]
    assert (last[mask] == np.array(black)).all()
    assert len(dataset.PixelData) == len(before)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL"])
def test_a_lossless_syntax_stays_and_frames_without_text_keep_their_stream(syntax, kind):
    colour = kind in ("RGB", "YBR_FULL")
    pixels = np.random.default_rng(1).integers(0, 200, (3, 24, 32, 3) if colour else (3, 24, 32)).astype(np.uint8 if colour else np.uint16)
    dataset = image(pixels, kind)
    dataset.compress(syntax, generate_instance_uid=False)
    before = list(generate_frames(dataset.PixelData, number_of_frames=3))
    after = painted(dataset, (1,))
    streams = list(generate_frames(dataset.PixelData, number_of_frames=3))
    assert (streams[0], streams[2]) == (before[0], before[2])
    assert dataset.file_meta.TransferSyntaxUID == syntax
    mask, shown = corner(24, 32), after.frame(1)
    assert np.array_equal(shown[~mask], pixels[1][~mask])
    assert np.unique(shown[mask].reshape(mask.sum(), -1), axis=0).shape[0] == 1
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=False)
    assert np.array_equal(pydicom.dcmread(BytesIO(buffer.getvalue()), force=True).pixel_array[0], dataset.pixel_array[0])


@pytest.mark.parametrize("name", ["SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "JPEG2000.dcm", "693_J2KI.dcm"])
def test_what_was_lossy_stays_as_it_was_decoded_and_is_written_without_loss(name):
    dataset = pydicom.dcmread(get_testdata_file(name))
    first = Frames(dataset, where="test")
    before, mask = first.frame(0), corner(first.rows, first.columns)
    after = painted(dataset)
    shown = after.frame(0)
    assert np.array_equal(shown[~mask], before[~mask])
    assert np.unique(shown[mask].reshape(mask.sum(), -1), axis=0).shape[0] == 1
    assert dataset.file_meta.TransferSyntaxUID in (RLELossless, ExplicitVRLittleEndian) or "2000" in dataset.file_meta.TransferSyntaxUID.name
    assert str(dataset.LossyImageCompression) == "01"
    assert dataset.PhotometricInterpretation == after.told
    assert dataset.pixel_array.shape == before.shape


def test_colour_that_shares_its_chroma_is_painted_in_pairs():
    dataset = pydicom.dcmread(get_testdata_file("SC_ybr_full_422_uncompressed.dcm"))
    before, size = Frames(dataset, where="test").frame(0), len(dataset.PixelData)
    shown, mask = painted(dataset).frame(0), corner(100, 100)
    assert np.array_equal(shown[~mask], before[~mask])
    assert (shown[mask] == [0, 128, 128]).all()
    assert len(dataset.PixelData) == size


def test_a_palette_is_painted_with_the_entry_nearest_to_black():
    dataset = pydicom.dcmread(get_testdata_file("examples_palette.dcm"))
    shown, mask = painted(dataset).frame(0), corner(350, 800)
    tables = [np.frombuffer(getattr(dataset, f"{one}PaletteColorLookupTableData"), "<u2").astype(int) for one in ("Red", "Green", "Blue")]
    assert len(set(shown[mask].tolist())) == 1
    assert sum(table[shown[0, 0]] for table in tables) == min(sum(tables))


def test_single_bits_are_painted_over_the_edges_of_bytes():
    pixels = np.random.default_rng(2).integers(0, 2, (2, 5, 5)).astype(np.uint8)
    pixels[1, 4, 4] = 0
    dataset = image(pixels)
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    packed = np.packbits(pixels.reshape(-1), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    after, mask = painted(dataset, (1,)), corner(5, 5)
    assert np.array_equal(after.frame(0), pixels[0])
    assert np.array_equal(after.frame(1)[~mask], pixels[1][~mask])
    assert not after.frame(1)[mask].any()


@pytest.mark.parametrize("signed", [0, 1])
def test_overlays_in_the_bits_beside_the_stored_ones_are_cleared(signed):
    true = np.array([[[5, 100, 2047, -3 if signed else 4000]]], np.int16)
    dataset = image(((true.astype(np.int32) & 0x0FFF) | 0x5000).astype(np.uint16), BitsStored=12, HighBit=11, PixelRepresentation=signed)
    frames = Frames(dataset, where="test")
    assert np.array_equal(frames.frame(0), true[0])
    assert frames.clear_unused_bits()
    assert np.frombuffer(dataset.PixelData, "<i2").tolist() == true.reshape(-1).tolist()
    assert not Frames(dataset, where="test").clear_unused_bits()


@pytest.mark.parametrize(("keyword", "dtype"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
def test_pixels_of_real_numbers_are_painted_with_their_least(keyword, dtype):
    values = np.random.default_rng(4).normal(0, 3, (1, 6, 8)).astype(dtype)
    values[0, 5, 7] = np.nan
    dataset = image(values)
    del dataset.PixelData
    setattr(dataset, keyword, values.tobytes())
    shown, mask = painted(dataset).frame(0), corner(6, 8)
    assert np.array_equal(shown[~mask], values[0][~mask], equal_nan=True)
    assert (shown[mask] == np.nanmin(values)).all()


def test_pixels_that_nothing_installed_decodes_are_refused_with_what_would():
    dataset = pydicom.dcmread(get_testdata_file("SC_rgb_jpeg_gdcm.dcm"))
    assert dataset.file_meta.TransferSyntaxUID == JPEGLosslessSV1
    if pydicom.pixels.get_decoder(JPEGLosslessSV1).is_available:
        pytest.skip("a decoder for JPEG Lossless is installed")
    with pytest.raises(Malformed, match="python-gdcm"):
        Frames(dataset, where="test").frame(0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Rows": 500}, "shorter"),
        ({"Rows": 0}, "without rows"),
        ({"Rows": 65535, "Columns": 65535}, "more pixels"),
        ({"NumberOfFrames": 10**9}, "more pixels|shorter"),
        ({"BitsAllocated": 12}, "unknown layout"),
        ({"HighBit": 16}, "unknown layout"),
        ({"SamplesPerPixel": 4}, "unknown layout"),
        ({"PhotometricInterpretation": "RGB"}, "do not agree"),
        ({"PhotometricInterpretation": "CMYK", "SamplesPerPixel": 3}, "do not agree"),
    ],
)
def test_a_header_that_does_not_fit_its_pixels_is_refused(change, said):
    dataset = image(np.zeros((1, 8, 8), np.uint16))
    for name, value in change.items():
        setattr(dataset, name, value)
    with pytest.raises(Malformed, match=said):
        Frames(dataset, where="test")


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 400), noise=st.binary(max_size=40), at=st.integers(0, 400))
def test_a_damaged_stream_is_malformed_or_decoded_and_nothing_else(cut, noise, at):
    dataset = pydicom.dcmread(get_testdata_file("MR_small_RLE.dcm"))
    data = bytearray(dataset.PixelData)
    data[at : at + len(noise)] = noise
    dataset.PixelData = bytes(data[: len(data) - cut])
    try:
        assert Frames(dataset, where="test").frame(0).shape == (64, 64)
    except Malformed as error:
        assert "test" in str(error)
