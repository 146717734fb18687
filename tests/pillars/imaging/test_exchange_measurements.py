"""Sizes against bodies whose size is known, and the report that carries them to people."""

from __future__ import annotations

import io
import math

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pillars.imaging.exchange_made import GAP, ORIENTATIONS, affine_of, labels, series
from tests.pillars.imaging.test_exchange_segmentation import AT, AUTHOR, TWO, dciodvfy

from bedside.pillars.imaging.exchange.measurements import measurements
from bedside.pillars.imaging.exchange.segmentation import segmentation
from bedside.pillars.imaging.exchange.sizes import size

pytest.importorskip("highdicom", reason="extra [imaging] is not installed")


def ball(radius_mm: float, spacing: tuple[float, float, float]):
    half = [math.ceil(radius_mm / step) + 2 for step in spacing]
    grid = np.ogrid[tuple(slice(-n, n + 1) for n in half)]
    return sum((axis * step) ** 2 for axis, step in zip(grid, spacing, strict=True)) <= radius_mm**2


def test_a_box_is_as_large_as_its_edges():
    box = np.zeros((6, 9, 9), bool)
    box[1:4, 2:6, 3:8] = True
    found = size(box, np.diag([3.0, 0.5, 2.0, 1.0]))
    assert found.volume_mm3 == pytest.approx(3 * 4 * 5 * 3.0 * 0.5 * 2.0)
    assert found.long_axis_mm == pytest.approx(math.hypot(5 * 2.0, 3 * 0.5), abs=1.0)
    assert found.diameter_mm >= 5 * 2.0


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.7, 0.7)])
def test_a_ball_has_the_volume_and_diameters_of_a_ball(spacing):
    found = size(ball(12.0, spacing), np.diag([*spacing, 1.0]))
    assert found.volume_mm3 == pytest.approx(4 / 3 * math.pi * 12.0**3, rel=0.02)
    for name in ("diameter_mm", "long_axis_mm", "short_axis_mm"):
        assert getattr(found, name) == pytest.approx(24.0, abs=max(spacing)), name


@pytest.mark.parametrize("turned_degrees", [0, 17, 30, 45, 71])
def test_an_ellipse_has_the_axes_of_an_ellipse_whichever_way_it_lies(turned_degrees):
    y, x = np.mgrid[-40:41, -40:41] * 0.5
    turn = math.radians(turned_degrees)
    u, v = x * math.cos(turn) + y * math.sin(turn), -x * math.sin(turn) + y * math.cos(turn)
    found = size(((u / 15) ** 2 + (v / 5) ** 2 <= 1)[None], np.diag([3.0, 0.5, 0.5, 1.0]))
    assert found.long_axis_mm == pytest.approx(30.0, abs=0.6)
    assert found.short_axis_mm == pytest.approx(10.0, abs=0.6)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=60, max_size=60))
def test_no_short_axis_is_nothing_and_none_is_longer_than_the_long_one(data):
    mask = (np.frombuffer(data, np.uint8).reshape(3, 4, 5) % 4) == 0
    found = size(mask, affine_of(ORIENTATIONS["oblique"]))
    if found is not None:
        assert 0 < found.short_axis_mm <= found.long_axis_mm + 1e-9
        assert found.long_axis_mm <= found.diameter_mm + GAP


def test_sizes_do_not_change_when_the_patient_lies_another_way():
    found = {way: size(labels() == 1, affine_of(cosines)) for way, cosines in ORIENTATIONS.items()}
    for name in ("volume_mm3", "diameter_mm", "long_axis_mm", "short_axis_mm"):
        assert np.ptp([getattr(one, name) for one in found.values()]) < 1e-6, name


def test_the_axes_name_the_slice_that_they_lie_on():
    assert size(labels() == 1, affine_of(ORIENTATIONS["axial"])).slice == 3


def test_one_voxel_is_as_wide_as_a_voxel_and_nothing_has_no_size():
    one = np.zeros((3, 3, 3), bool)
    assert size(one, np.eye(4)) is None
    one[1, 1, 1] = True
    found = size(one, np.diag([4.0, 2.0, 1.0, 1.0]))
    assert (found.voxels, found.diameter_mm, found.long_axis_mm, found.short_axis_mm) == (1, 4.0, 2.0, 1.0)
    assert found.volume_mm3 == pytest.approx(8.0)


def reported(told, kind="BINARY"):
    sources, affine = series(ORIENTATIONS["oblique"]), affine_of(ORIENTATIONS["oblique"])
    drawn = segmentation(told, affine, sources, structures=TWO, author=AUTHOR, kind=kind, at=AT)
    sizes = [size(told == number, affine) for number in (1, 2)]
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, measurements(drawn, sizes, sources, structures=TWO, author=AUTHOR, at=AT), enforce_file_format=True)
    return drawn, sizes, pydicom.dcmread(io.BytesIO(stream.getvalue())), stream.getvalue()


def groups(report):
    from highdicom.sr import Comprehensive3DSR

    return Comprehensive3DSR.from_dataset(report).content.get_volumetric_roi_measurement_groups()


def test_the_report_gives_each_structure_its_sizes_under_the_tracking_of_its_segment():
    drawn, sizes, report, _ = reported(labels())
    segments = [one for one in drawn.SegmentSequence if one.SegmentNumber]
    for group, segment, found in zip(groups(report), segments, sizes, strict=True):
        values = {one.name.meaning: one.value for one in group.get_measurements()}
        assert values["Volume"] == pytest.approx(found.volume_mm3, abs=1e-3)
        assert values["Long axis"] == pytest.approx(found.long_axis_mm, abs=1e-3)
        assert values["Maximum 3D Diameter of a Mesh"] == pytest.approx(found.diameter_mm, abs=1e-3)
        assert group.tracking_uid == segment.TrackingUID
        assert group.tracking_identifier == segment.TrackingID


def test_the_report_names_segmentation_source_and_bundle():
    drawn, _, report, data = reported(labels())
    [first, second] = groups(report)
    assert first.reference_type.meaning == "Referenced Segment"
    named = {one.ReferencedSOPInstanceUID for study in report.CurrentRequestedProcedureEvidenceSequence
             for held in study.ReferencedSeriesSequence for one in held.ReferencedSOPSequence}  # fmt: skip
    assert named == {drawn.SOPInstanceUID} | {one.SOPInstanceUID for one in series(ORIENTATIONS["oblique"])}
    assert AUTHOR.digest.encode() in data
    assert second.finding_type.meaning == "Tissue"


def test_a_structure_that_was_not_found_is_reported_with_a_volume_of_nothing():
    _, _, report, _ = reported(np.where(labels() == 1, 1, 0))
    values = [[(one.name.meaning, one.value) for one in group.get_measurements()] for group in groups(report)]
    assert len(values[0]) == 4
    assert values[1] == [("Volume", 0.0)]


def test_dciodvfy_has_nothing_to_say_of_a_report_and_misses_its_completion(tmp_path):
    _, _, report, data = reported(labels())
    assert dciodvfy(data, tmp_path) == []
    del report.CompletionFlag
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, report)
    assert dciodvfy(stream.getvalue(), tmp_path) != []


def test_of_a_label_map_dciodvfy_only_says_that_it_does_not_know_those_to_be_segmentations(tmp_path):
    """The segment number that it objects to is what TID 1411 wants; a report of a BINARY segmentation has the same one."""
    found = dciodvfy(reported(labels(), "LABELMAP")[3], tmp_path)
    assert {line.partition(" - ")[2].partition(" - ")[2] for line in found} <= {"Shall not be present for Referenced SOP Class that is not segmentation"}


def test_the_same_report_at_the_same_time_is_the_same_bytes():
    assert reported(labels())[3] == reported(labels())[3]
