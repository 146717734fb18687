"""Lesions in images: found or missed, one row a thing, with a blob detector beside; boxes from a table."""

from __future__ import annotations

from io import BytesIO

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from tests.pillars.imaging.made_planes import of_test, radiograph, scans, study

from bedside import Study
from bedside.bundle.runners.onnx_planes import Lesion, peaks
from bedside.pillars.imaging.planes import marks, spots
from bedside.pillars.imaging.planes.truths import box
from bedside.pillars.imaging.thresholds import rule, threshold

TASK = """
[task]
kind = "image"
name = "nodules"
question = "detect"
unit = "image"
modalities = ["CR"]
listed = "READ"
asks = [{ name = "nodule", kind = "found" }]
codes = { nodule = "NODULE" }
[task.split]
test_fraction = 0.4
[model]
width = 6
size = 64
epochs = 14
learning_rate = 4e-3
changes = ["flip-left-right", "flip-up-down", "shift"]
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Study:
    made = study(tmp_path_factory.mktemp("nodules") / "study", TASK, scans(80), mapping="nodules.toml", policy="as-received")
    made.run(quiet=True)
    return made


def froc(made: Study) -> dict[str, float]:
    told = msgspec.json.decode((made.root / "reports" / "evaluation.json").read_bytes())
    return {row["output"]: row["measures"]["froc"]["value"] for row in told["sections"][0]["result"]["outputs"]}


def test_more_nodules_are_found_for_the_same_false_marks_than_by_a_blob_detector(found):
    score = froc(found)
    assert score["model"] > max(0.8, score["spots"])


def test_every_output_speaks_of_the_same_lesions(found):
    rows = of_test(found).filter("label")
    lesions = {output: set(own["unit_id"]) for (output,), own in rows.group_by("output")}
    assert lesions["model"] == lesions["spots"]
    assert all(one.rsplit("/", 1)[1].startswith("lesion-") for one in lesions["model"])


def test_images_without_a_lesion_are_looked_at_too(found):
    decisions = pl.read_parquet(found.root / "cohort" / "decisions.parquet").filter(pl.col("split") != "test")
    assert decisions["answer"].null_count() == 0
    assert (decisions["answer"] == "[]").any()


def test_a_nodules_place_is_sealed_with_the_other_truths(found):
    assert pl.read_parquet(found.root / "cohort" / "decisions.parquet").filter(pl.col("split") == "test")["answer"].null_count() > 0


def test_two_marks_in_one_lesion_are_one_hit_and_no_false_positive():
    assert marks.match([Lesion(2, 2, 0.9), Lesion(3, 3, 0.8)], [(0, 0, 10, 10)], within=0) == ([0.9], [])


def test_a_mark_where_two_lesions_overlap_hits_the_nearer_one_and_the_next_mark_the_other():
    told = marks.match([Lesion(8, 5, 0.5), Lesion(9, 5, 0.9)], [(0, 0, 10, 10), (6, 0, 10, 10)], within=0)
    assert told == ([0.5, 0.9], [])


def test_a_point_is_hit_within_the_declared_distance_alone():
    assert marks.match([Lesion(13, 20, 0.5)], [(10, 20, 0, 0)], within=3).lesions == [0.5]
    assert marks.match([Lesion(13, 20, 0.5)], [(10, 20, 0, 0)], within=2).false == [0.5]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, 60), st.floats(0.01, 1)), max_size=12), st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50)), max_size=5))
def test_no_mark_and_no_lesion_is_counted_twice(said, there):
    told = marks.match([Lesion(*one) for one in said], [(x, y, 10, 10) for x, y in there], within=0)
    hits = [score for score in told.lesions if score == score]
    assert len(told.lesions) == len(there)
    assert len(hits) + len(told.false) <= len(said)
    assert len(set(there)) > 0 or not hits


def test_peaks_are_the_highest_points_and_keep_their_distance():
    heat = np.full((20, 20), -6.0, np.float32)
    heat[5, 7], heat[5, 9], heat[15, 3] = 3, 2, 1
    found = peaks(heat, stride=4, apart=12, floor=0.1)
    assert [(round(x), round(y)) for x, y, _ in found] == [(30, 22), (14, 62)]
    assert len(peaks(heat, stride=4, apart=1, floor=0.1)) == 3


@pytest.mark.parametrize("sign", [1, -1])
def test_the_blob_detector_answers_most_strongly_in_the_middle_of_a_disc_of_the_size_it_learned(sign):
    down, right = np.mgrid[:64, :64]
    image = (0.5 + sign * 0.4 * ((right - 40) ** 2 + (down - 20) ** 2 < 36)).astype(np.float32)
    told = spots.learn(image[None], [6.0], [(0, 40.0, 20.0)])
    x, y, _ = peaks(spots.heat(image, told), stride=1, apart=10, floor=0.01)[0]
    assert (round(x), round(y)) == (40, 20)
    assert told["sign"] == sign


@given(st.text(max_size=30))
def test_a_place_is_read_or_is_none_and_never_breaks(text):
    told = box(text)
    assert told is None or len(told) == 4


def test_a_threshold_is_chosen_as_its_rule_says():
    value, outcome = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), np.array([True, True, False, True, False, False])
    assert threshold(rule("youden"), value, outcome) == 0.6
    assert threshold(rule("sensitivity=0.6"), value, outcome) == 0.8
    assert threshold(rule("sensitivity=0.9"), value, outcome) == 0.6
    assert threshold(rule("sensitivity=0.9"), value, np.zeros(6, dtype=np.bool_)) is None


def test_a_place_on_one_of_several_images_of_an_order_is_not_guessed(tmp_path):
    made_files = scans(4)
    again = radiograph(np.zeros((64, 64), np.uint16), "p1", "N1", view="LL", more={"SOPInstanceUID": "1.2.3"})
    made = study(tmp_path / "study", TASK, made_files | {"images/second.dcm": again}, mapping="nodules.toml")
    made.run(["deidentify", "read", "cohort"], quiet=True)
    flow = msgspec.json.decode((made.root / "cohort" / "flow.json").read_bytes())
    assert flow["labels that name several images, of which one is meant, not used"] > 0
    assert flow["images asked about"] == 3


# --- lesions that were drawn ------------------------------------------------------------------------


def drawn(source: bytes, mask: np.ndarray, kind: str, place: int) -> bytes:
    """A SEG of one image by highdicom."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    about = hd.seg.SegmentDescription(1, "Nodule", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Mass, "MANUAL")
    made = hd.seg.Segmentation([dcmread(BytesIO(source))], mask[None], kind, [about], series_instance_uid=f"1.2.3.{place}", series_number=2,
                               sop_instance_uid=f"1.2.4.{place}", instance_number=1, manufacturer="made", manufacturer_model_name="made", software_versions="1",
                               device_serial_number="1")  # fmt: skip
    made.StudyDate, made.StudyTime = "20200110", "101500"
    out = BytesIO()
    made.save_as(out)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_lesions_drawn_as_segmentations_are_truth_too_after_de_identification(tmp_path, kind):
    made_files = scans(8)
    images = {name: data for name, data in made_files.items() if name.startswith("images/") and isinstance(data, bytes)}
    for place, (name, data) in enumerate(sorted(images.items())[:3]):
        mask = np.zeros((64, 64), np.uint8)
        mask[10:20, 30:40], mask[40 : 40 + place, 5:8] = 1, 1
        made_files[f"images/seg{place}.dcm"] = drawn(data, mask, kind, place)
        assert name in made_files
    made_files["images/torn.dcm"] = drawn(images["images/4.dcm"], np.ones((64, 64), np.uint8), kind, 9)[:-200]
    task = TASK.replace('listed = "READ"\n', "").replace('codes = { nodule = "NODULE" }', 'segments = { nodule = ["SCT:4147007", "Nodule"] }')
    made = study(tmp_path / "study", task, made_files, mapping="nodules.toml")
    made.run(["deidentify", "read", "cohort"], quiet=True)
    decisions = pl.read_parquet(made.root / "cohort" / "decisions.parquet")
    flow = msgspec.json.decode((made.root / "cohort" / "flow.json").read_bytes())
    assert flow["masks"] == decisions.height == 3
    shown = [msgspec.json.decode(answer) for answer in decisions["answer"] if answer is not None]
    assert all([30.0, 10.0, 9.0, 9.0] in boxes for boxes in shown)
    assert all(len(boxes) in (1, 2) for boxes in shown)


def test_a_mask_that_fits_no_image_is_left_out_with_the_reason(tmp_path):
    made_files = scans(4)
    (source,) = (data for name, data in made_files.items() if name == "images/1.dcm")
    assert isinstance(source, bytes)
    small = dcmread(BytesIO(source))
    small.Rows = small.Columns = 32
    small.PixelData = bytes(32 * 32 * 2)
    other = BytesIO()
    small.save_as(other)
    stranger = radiograph(np.zeros((64, 64), np.uint16), "p2", "N99", view="PA")
    made_files["images/small.dcm"] = drawn(other.getvalue(), np.ones((32, 32), np.uint8), "BINARY", 1)
    made_files["images/stranger.dcm"] = drawn(stranger, np.ones((64, 64), np.uint8), "BINARY", 2)
    made = study(tmp_path / "study", TASK.replace('codes = { nodule', 'segments = { nodule = ["Nodule"] }\ncodes = { nodule'), made_files, mapping="nodules.toml")
    made.run(["deidentify", "read", "cohort"], quiet=True)
    left = pl.read_parquet(made.root / "cohort" / "left-out.parquet")
    assert set(left["reason"]) == {"a mask of another size than its image", "a mask of an image that is not among those taken"}
