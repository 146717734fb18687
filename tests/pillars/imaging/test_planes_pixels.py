"""DICOM pixels to brightness, as the standard says and as pydicom's own functions have it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.pixels import apply_voi_lut, apply_windowing, convert_color_space
from pydicom.tag import Tag

from bedside.bundle.runners import plane
from bedside.core.errors import Malformed
from bedside.pillars.imaging.planes.wrap import instance

RAMP = np.arange(64, dtype=np.uint16).reshape(8, 8) * 64


def dataset(pixels=RAMP, **more: object) -> Dataset:
    """A data set, read back from its bytes."""
    told = instance(pixels, patient="p", number="n", modality="CR", more=more)
    return dcmread(BytesIO(told))


def test_without_a_window_the_darkest_pixel_is_black_and_the_brightest_white():
    shown = plane.of(dataset(), where="test")
    assert shown.dtype == np.float32
    np.testing.assert_allclose(shown, RAMP / RAMP.max(), atol=1e-6)


def test_inverted_photometry_is_turned_round():
    upright = plane.of(dataset(), where="test")
    inverted = plane.of(dataset(4095 - RAMP, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE"), where="test")
    np.testing.assert_allclose(inverted, upright, atol=1e-3)


@settings(max_examples=25)
@given(centre=st.floats(-500, 5000), width=st.floats(2, 4000), function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]))
def test_a_window_is_the_one_of_the_standard_as_pydicom_computes_it(centre, width, function):
    made = dataset(WindowCenter=f"{centre:.3f}", WindowWidth=f"{width:.3f}", VOILUTFunction=function, RescaleSlope="1.5", RescaleIntercept="-100")
    values = RAMP * 1.5 - 100
    theirs = apply_windowing(values, made)
    low, high = -100.0, 1.5 * (2**16 - 1) - 100
    np.testing.assert_allclose(plane.of(made, where="test"), (theirs - low) / (high - low), atol=1e-4)


def test_a_table_of_values_goes_before_the_window():
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [16, 100, 12], np.array([4095 * (n / 15) ** 2 for n in range(16)], "<u2").tobytes()
    made = dataset(np.arange(90, 126, dtype=np.uint16).reshape(6, 6), VOILUTSequence=[table], WindowCenter="10", WindowWidth="5")
    np.testing.assert_allclose(plane.of(made, where="test"), apply_voi_lut(made.pixel_array, made) / 4095, atol=1e-6)


def test_padding_is_black_and_does_not_stretch_the_window():
    pixels = RAMP.copy()
    pixels[:2] = 60000
    shown = plane.of(dataset(pixels, PixelPaddingValue=60000), where="test")
    assert (shown[:2] == 0).all()
    assert shown[2:].max() == 1
    turned = plane.of(dataset(pixels, PixelPaddingValue=60000, PhotometricInterpretation="MONOCHROME1"), where="test")
    assert (turned[:2] == 0).all()


def test_luminance_and_colour_difference_become_red_green_and_blue():
    colours = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [90, 90, 90]]], np.uint8)
    told = convert_color_space(colours, "RGB", "YBR_FULL")
    shown = plane.of(dataset(told, PhotometricInterpretation="YBR_FULL"), where="test")
    np.testing.assert_allclose(shown, colours / 255, atol=0.01)


def test_a_palette_is_looked_up():
    palette = {name + end: value for name, data in (("Red", [0, 255]), ("Green", [0, 128]), ("Blue", [0, 0]))
               for end, value in (("PaletteColorLookupTableDescriptor", [2, 0, 8]), ("PaletteColorLookupTableData", bytes(data)))}  # fmt: skip
    shown = plane.of(dataset(np.array([[0, 1], [1, 0]], np.uint8), PhotometricInterpretation="PALETTE COLOR", **palette), where="test")
    np.testing.assert_allclose(shown[0, 1], [1, 128 / 255, 0], atol=0.01)
    assert shown[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("what", ["no pixels", "several frames", "short", "syntax", "no photometry", b"1\\2 ", b"abc ", b"inf ", b"1e300 "])
def test_what_cannot_be_shown_is_malformed_and_the_patient_is_not_in_the_message(what):
    made = dataset()
    made.PatientName = "Canary^Carla"
    if what == "no pixels":
        del made.PixelData
    elif what == "several frames":
        made.NumberOfFrames = 2
    elif isinstance(what, bytes):
        made["NumberOfFrames"] = RawDataElement(Tag("NumberOfFrames"), "IS", len(what), what, 0, False, True)
    elif what == "short":
        made.PixelData = made.PixelData[:10]
    elif what == "syntax":
        made.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"
    else:
        del made.PhotometricInterpretation
    with pytest.raises(Malformed) as told:
        plane.of(made, where="f-1.dcm")
    assert "Canary" not in str(told.value)


@settings(max_examples=40)
@given(rows=st.integers(3, 200), columns=st.integers(3, 200), size=st.sampled_from([16, 32, 64]), x=st.floats(0, 1), y=st.floats(0, 1))
def test_a_point_finds_its_way_to_the_square_and_back(rows, columns, size, x, y):
    fitted = plane.fit(np.ones((rows, columns), np.float32), size, 1)
    there = fitted.there(x * (columns - 1), y * (rows - 1))
    assert min(there) >= -1
    assert max(there) <= size
    assert fitted.back(*there) == pytest.approx((x * (columns - 1), y * (rows - 1)), abs=1e-6)
    assert float(fitted.pixels.max()) == pytest.approx(1, abs=1e-5)


def test_shrinking_keeps_the_mean_and_the_place():
    spot = np.zeros((120, 120), np.float32)
    spot[30:42, 78:90] = 1
    fitted = plane.fit(spot, 40, 1)
    y, x = (np.indices((40, 40)) * fitted.pixels[0]).sum(axis=(1, 2)) / fitted.pixels.sum()
    assert fitted.back(x, y) == pytest.approx((83.5, 35.5), abs=0.6)
    assert float(fitted.pixels.mean()) == pytest.approx(float(spot.mean()), rel=0.02)


@pytest.mark.parametrize(("name", "shape"), [("ct", (128, 128)), ("mr", (64, 64)), ("rgb_color", (240, 320, 3)), ("palette_color", (350, 800, 3)), ("jpeg2k", (480, 640, 3))])
def test_images_that_pydicom_ships_are_shown(name, shape):
    from pydicom import examples

    shown = plane.of(dcmread(examples.get_path(name)), where=name)
    assert shown.shape == shape
    assert 0 <= shown.min() < 0.25
    assert 0.7 < shown.max() <= 1
    if name == "rgb_color":
        np.testing.assert_allclose(shown * 255, dcmread(examples.get_path(name)).pixel_array, atol=1e-3)
