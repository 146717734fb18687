"""DICOM series to volumes: in space, in numbers, back to the pixel, and what is refused."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.dcm_qa import PAIRS, case
from benchmarks.dcm_qa import files as case_files
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from tests.pillars.imaging.made_series import encoded, enhanced, evenly, files, picture, slices

from bedside.core.errors import Unusable
from bedside.pillars.imaging.series import nifti
from bedside.pillars.imaging.series.mosaic import csa
from bedside.pillars.imaging.series.read import File, Series, read
from bedside.pillars.imaging.series.volume import Volume

OTHER_SCALE = "enh/In/Philips/IM_0027_fMAP.dcm"
"""dcm2niix multiplies by Philips's private scale slope (2005,100E); DICOM's own rescale and real world value mapping are ours."""
TILTED = "ct_ge_tilt_gaps/GE_28.tar.xz"
"""dcm2niix keeps 28 slices as if they lay evenly; they do not."""


def one(datasets: list[Any], **asked: Any) -> Series:
    (found,) = read(files(datasets), **asked)
    return found


def is_the_picture(volume: Volume, *, within: float = 0.51, edge: int = 0) -> bool:
    """Whether each voxel has the value that the picture has at its place."""
    index = np.stack(np.indices(volume.voxels.shape), axis=-1).astype(float)
    points = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    inside = (slice(None), *(slice(edge, size - edge) for size in volume.voxels.shape[1:]))
    return bool(np.abs(volume.voxels - picture(points))[inside].max() < within)


# --- in space ---------------------------------------------------------------------------------------


@given(st.integers(2, 7), st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3), st.floats(0.4, 6), st.randoms())
@settings(max_examples=25)
def test_every_voxel_lies_where_its_instance_says_whatever_the_order_orientation_and_names(
    count: int, about_x: float, about_y: float, about_z: float, gap: float, chance: random.Random
) -> None:
    turn = _turn(about_x, about_y, about_z)
    across, down = turn @ np.array([1.5, 0, 0]), turn @ np.array([0, 2.0, 0])
    told = slices(evenly(count, step=turn @ np.array([0, 0, gap])), down=down, across=across)
    by_uid = {one.SOPInstanceUID: one for one in told}
    chance.shuffle(told)
    found = one(told)
    volume = found.volumes[0]
    assert found.verdict.decision == "accept"
    assert is_the_picture(volume, within=0.6)
    source = volume.place(count - 1, 2, 3)
    assert (source.row, source.column, source.frame) == (2, 3, 1)
    assert np.allclose(volume.world((count - 1, 0, 0)), by_uid[source.instance_uid].ImagePositionPatient, atol=1e-3)
    assert np.cross(across, down) @ volume.affine[:3, 0] > 0


def _turn(*angles: float) -> Any:
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        first, second = [other for other in range(3) if other != axis]
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    return matrix


def test_a_voxel_outside_the_volume_has_no_source() -> None:
    with pytest.raises(Unusable, match="outside"):
        one(slices(evenly(3))).volumes[0].place(3, 0, 0)


def test_a_tilted_gantry_is_resampled_to_right_angles_and_the_picture_stays_in_place() -> None:
    found = one(slices(evenly(8, step=(0.0, 1.0, 3.0))))
    assert (found.verdict.decision, found.verdict.tilt_degrees) == ("resample", pytest.approx(18.43, abs=0.01))
    volume = found.volumes[0]
    steps = volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0)
    assert np.allclose(steps.T @ steps, np.eye(3), atol=1e-9)
    assert volume.resampled
    inside = volume.voxels[:, 4:9, :]
    index = np.stack(np.indices(volume.voxels.shape), axis=-1) @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    assert np.abs(inside - picture(index)[:, 4:9, :]).max() < 0.6


def test_uneven_gaps_are_resampled_onto_the_median_gap() -> None:
    found = one(slices([np.array([0, 0, z]) for z in (0.0, 2.0, 4.0, 6.0, 9.0, 12.0)]))
    assert (found.verdict.decision, found.verdict.reason) == ("resample", "uneven gaps between slices")
    volume = found.volumes[0]
    assert volume.spacing[0] == pytest.approx(2.0)
    assert is_the_picture(volume, within=0.6)
    assert volume.place(0, 1, 2).row == 1


@pytest.mark.parametrize("away", [(0.0, 0.0, 9e5), (9e5, 4.0, 45.5), (-10.0, -9e5, 45.5)])
def test_one_slice_far_from_the_others_is_refused_rather_than_the_room_between_them_made_up(away: tuple[float, float, float]) -> None:
    uneven = np.array([-10.0, 4.0, 43.4])
    found = one(slices([*evenly(5), uneven, np.array(away)]))
    assert (found.verdict.decision, found.verdict.reason) == ("refuse", "slices too far apart to lie on one regular grid")


def test_what_lies_on_no_grid_is_left_out_when_resampling_is_not_wanted() -> None:
    found = one(slices(evenly(8, step=(0.0, 1.0, 3.0))), resample=False)
    assert (found.verdict.decision, found.volumes) == ("resample", [])


def test_the_acquired_pixel_of_a_resampled_voxel_is_the_nearest_one() -> None:
    told = slices(evenly(8, step=(0.0, 1.0, 3.0)))
    volume = one(told).volumes[0]
    source = volume.place(4, 6, 5)
    head = next(head for head in told if head.SOPInstanceUID == source.instance_uid)
    point = np.array(head.ImagePositionPatient, float) + source.row * np.array([0, 2.0, 0]) + source.column * np.array([1.5, 0, 0])
    assert np.abs(point - volume.world((4, 6, 5))).max() <= 1.5


# --- what a series may be made of -------------------------------------------------------------------


def test_a_missing_slice_is_not_made_up() -> None:
    told = slices(evenly(8))
    del told[3]
    found = one(told)
    assert (found.verdict.decision, found.verdict.reason, found.volumes) == ("refuse", "1 slices are missing between others", [])


def test_a_slice_sent_twice_counts_once() -> None:
    told = slices(evenly(5))
    again = slices(evenly(5))[2]
    again.SOPInstanceUID = again.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    found = one([*told, again])
    assert (found.verdict.decision, found.verdict.duplicates, found.verdict.slices) == ("accept", 1, 5)


def test_another_picture_at_one_position_that_nothing_tells_apart_is_refused() -> None:
    told = slices(evenly(5))
    again = slices(evenly(5))[2]
    again.SOPInstanceUID, again.PixelData = "1.2.3.4", bytes(len(again.PixelData))
    found = one([*told, again])
    assert found.verdict.decision == "refuse"
    assert "nothing in their headers tells apart" in found.verdict.reason


def test_echoes_and_times_become_volumes_of_their_own() -> None:
    first, second = slices(evenly(4)), slices(evenly(4))
    for number, again in enumerate(second):
        again.EchoTime, again.SOPInstanceUID, again.InstanceNumber = 9.0, f"1.2.3.{number}", 100 + number
        again.PixelData = (np.frombuffer(again.PixelData, "<i2") + 1).tobytes()
    found = one([*second, *first])
    assert [{name: float(value) for name, value in volume.told.items()} for volume in found.volumes] == [{"echo time": 4}, {"echo time": 9}]
    assert (found.volumes[1].voxels - found.volumes[0].voxels == 1).all()


def test_two_orientations_in_one_series_are_refused() -> None:
    told = slices(evenly(5))
    told[-1].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    assert one(told).verdict.reason == "2 orientations in one series"


def test_a_localiser_is_no_volume() -> None:
    told = slices(evenly(3))
    for head in told:
        head.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    assert one(told).verdict.reason == "a localiser"


def test_slices_of_two_sizes_or_spacings_are_refused() -> None:
    told, other = slices(evenly(4)), slices(evenly(5), size=(8, 11))[4]
    assert one([*told, other]).verdict.reason == "slices of different sizes in one series"
    told[1].PixelSpacing = [2.0, 1.6]
    assert one(told).verdict.reason == "slices of different pixel spacings in one series"


@pytest.mark.parametrize(("break_it", "reason"), [
    (lambda head: setattr(head, "PixelData", head.PixelData[:-40]), "pixel data is shorter"),
    (lambda head: delattr(head, "PixelData"), "without pixel data"),
    (lambda head: delattr(head, "ImagePositionPatient"), "without position"),
    (lambda head: setattr(head, "ImageOrientationPatient", [1, 0, 0, 1, 0, 0]), "no right angle"),
    (lambda head: setattr(head, "PixelSpacing", [0, 1]), "not positive"),
    (lambda head: setattr(head, "SamplesPerPixel", 3), "colour"),
    (lambda head: setattr(head.file_meta, "TransferSyntaxUID", "1.2.840.10008.1.2.4.102"), "no decoder for transfer syntax MPEG-4"),
])  # fmt: skip
def test_an_instance_that_cannot_be_read_is_named_and_its_series_refused(break_it: Any, reason: str) -> None:
    told = slices(evenly(4))
    break_it(told[1])
    if reason.startswith("no decoder"):
        from pydicom.encaps import encapsulate

        told[1].PixelData, told[1]["PixelData"].is_undefined_length = encapsulate([b"\0" * 8]), True
    found = one(told)
    assert found.verdict.decision == "refuse"
    assert len(found.rejects) == 1
    assert reason in next(iter(found.rejects.values()))


@pytest.mark.parametrize("rows", [0, 1, 65535])
def test_more_frames_than_there_are_pixels_are_not_counted_out_one_by_one(rows: int) -> None:
    told = slices(evenly(3))
    told[1].Rows, told[1].Columns, told[1].NumberOfFrames = rows, rows, 3_000_000_000
    found = one(told)
    assert found.verdict.decision == "refuse"
    assert len(found.rejects) == 1


def test_an_object_that_is_no_image_is_set_aside_and_takes_no_slice_from_its_series() -> None:
    told = slices(evenly(4))
    report = slices(evenly(1))[0]
    report.SOPInstanceUID = "1.2.3.4"
    del report.Rows, report.PixelData
    found = one([*told, report])
    assert (found.verdict.decision, list(found.rejects.values())) == ("accept", ["an object that is no image"])
    assert one([report]).verdict.reason == "no image"


def test_files_that_are_no_dicom_are_told_and_the_rest_is_read() -> None:
    found = read([*files(slices(evenly(3))), File("letter", b"Dear colleague"), File("torso", encoded(slices(evenly(1))[0])[:-90])])
    assert [series.verdict.decision for series in found] == ["accept", "refuse"]
    assert set(found[1].rejects) == {"letter", "torso"}


def test_masks_reports_annotations_and_slides_are_no_series_of_slices(shared_data: Path) -> None:
    told = [File(path.name, path.read_bytes()) for path in sorted((shared_data / "imaging" / "highdicom_testfiles").glob("*.dcm"))]
    found = read(told)
    assert [series.modality for series in found if series.verdict.decision == "accept"] == ["CT"]
    assert sum(series.instances for series in found) == len(told)
    assert all(series.verdict.reason and series.rejects for series in found)  # a report lies in the series of the CT slice


@given(st.binary(max_size=400))
def test_a_private_header_of_any_bytes_is_read_as_far_as_it_goes(noise: bytes) -> None:
    assert isinstance(csa(b"SV10" + noise), dict)


@given(st.data())
@settings(max_examples=40)
def test_damage_anywhere_in_a_file_never_ends_the_run(data: st.DataObject) -> None:
    whole = bytearray(encoded(slices(evenly(1), size=(4, 4))[0]))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(140, len(whole) - 1))] = data.draw(st.integers(0, 255))
    found = read([File("damaged", bytes(whole)), *files(slices(evenly(3), who=1))])
    assert sum(series.instances for series in found) == 4


# --- numbers ----------------------------------------------------------------------------------------


def test_each_frame_is_rescaled_by_its_own_slope() -> None:
    told = slices(evenly(3))
    for number, head in enumerate(told):
        head.RescaleSlope, head.RescaleIntercept = 0.5 + number, -1024
    raw, found = one(slices(evenly(3))).volumes[0].voxels, one(told).volumes[0].voxels
    assert np.allclose(found, raw * np.array([0.5, 1.5, 2.5])[:, None, None] - 1024)


@settings(deadline=None, max_examples=150)
@given(
    slope=st.one_of(st.integers(-100_000, 100_000), st.sampled_from([65536, 100000, 0.5, 1e-3, 1 / 3, 1e-9, -0.25, 1e6, 3.7e4])),
    intercept=st.one_of(st.integers(-(2**32), 2**32), st.sampled_from([-1024, 0.1, 1e9, -1e9 - 0.5])),
    raw=st.lists(st.integers(-(2**15), 2**15 - 1), min_size=4, max_size=4),
)
def test_rescaled_numbers_are_slope_times_stored_plus_intercept_or_the_series_is_refused(slope: float, intercept: float, raw: list[int]) -> None:
    told = slices(evenly(2), size=(2, 2))
    for head in told:
        head.PixelData, head.RescaleSlope, head.RescaleIntercept = np.array(raw, "<i2").tobytes(), slope, intercept
    found = one(told)
    by, plus = (Fraction(float(head[name].value)) for name in ("RescaleSlope", "RescaleIntercept"))
    wanted = [value * by + plus for value in raw]
    if found.verdict.decision == "refuse":
        assert max(map(abs, wanted)) > 2**32
        return
    values = [Fraction(value) for value in found.volumes[0].voxels[0].ravel().tolist()]
    exact = by.denominator == plus.denominator == 1
    assert all(abs(value - one) <= (0 if exact else abs(by)) for value, one in zip(values, wanted, strict=True))
    assert len(set(values)) == len(set(wanted))


def test_a_number_beyond_an_integer_of_32_bits_does_not_come_round_from_below() -> None:
    told = slices(evenly(3))
    for head in told:
        head.RescaleSlope, head.RescaleIntercept = 100000, 0
        head.PixelData = np.full(99, 30000, "<i2").tobytes()
    assert np.all(one(told).volumes[0].voxels == 3_000_000_000)


@pytest.mark.parametrize("wrong", [("RescaleIntercept", b"99999999999 "), ("RescaleSlope", b"1e300 "), ("RescaleSlope", b"1e30"), ("RescaleSlope", b"nan "),
                                   ("RescaleIntercept", b"-inf"), ("RescaleIntercept", b"nan ")])  # fmt: skip
def test_a_slice_rescaled_beyond_all_measure_is_named_and_its_series_refused(wrong: tuple[str, bytes]) -> None:
    keyword, raw = wrong
    told = slices(evenly(4))
    told[2][keyword] = RawDataElement(Tag(keyword), "DS", len(raw), raw, 0, False, True)
    found = one(told)
    assert (found.verdict.decision, found.volumes) == ("refuse", [])
    assert list(found.rejects.values()) == ["rescale slope or intercept is no number, or makes numbers beyond 32 bits"]


def test_an_enhanced_instance_is_the_same_volume_as_its_slices() -> None:
    told = slices(evenly(5))
    for number, head in enumerate(told):
        head.RescaleSlope, head.RescaleIntercept = 1 + number, 10
    classic, multi = one(told).volumes[0], one([enhanced(told)]).volumes[0]
    assert np.array_equal(classic.voxels, multi.voxels)
    assert np.allclose(classic.affine, multi.affine)
    assert multi.place(3, 1, 2)[1:] == (4, 1, 2)


@pytest.mark.parametrize("signed", [0, 1])
def test_only_the_bits_stored_count(signed: int) -> None:
    told = slices(evenly(2))
    for head in told:
        head.BitsStored, head.HighBit, head.PixelRepresentation = 12, 11, signed
        head.PixelData = (np.full(99, 0xA801, "<u2")).tobytes()  # high bits: an old overlay
    expected = 0x801 - 0x1000 if signed else 0x801
    assert set(np.unique(one(told).volumes[0].voxels)) == {expected}


def test_a_mosaic_without_its_private_header_is_refused_and_says_so(shared_data: Path) -> None:
    from bedside.formats.dicom import parse

    (file,) = case_files(shared_data / "imaging" / "dcm_qa" / "12bit/In/12bitUnsigned.dcm")
    head = parse(file.data, where="mosaic")
    head.remove_private_tags()
    assert "mosaic without the private header" in one([head]).verdict.reason


# --- known-good volumes -----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "references"), PAIRS, ids=[name for name, _ in PAIRS])
def test_volumes_are_those_that_dcm_qa_keeps(shared_data: Path, name: str, references: tuple[str, ...]) -> None:
    _, why = case(shared_data / "imaging" / "dcm_qa", name, references)
    if name == OTHER_SCALE:
        assert all("(ours = " in told and "of the range)" in told for told in why)
    elif name == TILTED:
        assert why == ["shape (512, 611, 37) is not (512, 512, 28)"]
    else:
        assert not why


def test_nifti_keeps_voxels_affine_and_bytes() -> None:
    volume = one(slices(evenly(4))).volumes[0]
    voxels, affine = volume.ras()
    data = nifti.write(voxels, affine)
    again = nifti.read(data, where="x")
    assert np.array_equal(again.voxels, voxels)
    assert np.allclose(again.affine, affine)
    assert nifti.write(voxels, affine) == data
