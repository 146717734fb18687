"""Tiles as units of decision: what a drawn region makes true of each, what cannot be a region, and a model that answers tile by tile."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pillars.imaging.made_planes import of_test, study
from tests.pillars.imaging.made_slides import MPP, drawn

from bedside import Study
from bedside.bundle.runners.onnx_slides import OnnxSlides
from bedside.bundle.runners.tiles import NAMES
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Misconfigured
from bedside.core.events import Event, frame
from bedside.core.target import Target
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.pillar import PILLAR, part_of
from bedside.pillars.imaging.planes.learn import steady
from bedside.pillars.imaging.slides import tile_develop
from bedside.pillars.imaging.slides.drawn import truths
from bedside.pillars.imaging.slides.regions import corners, fault, inside
from bedside.pillars.imaging.slides.tiles import Ground

TASK = f"""
[task]
kind = "image"
name = "tiles"
question = "classify"
unit = "tile"
modalities = ["SM"]
asks = [{{ name = "tumour", kind = "yes-no" }}]
codes = {{ tumour = "TUMOUR" }}
listed = "DRAWN"
[task.split]
test_fraction = 0.4
[model]
tile = 16
mpp = {MPP}
"""
ASKED = ImageTask("tiles", "classify", [Target("tumour", "yes-no")], unit="tile", codes={"tumour": "TUMOUR"}, listed="DRAWN")
SLIDES = pl.DataFrame({"subject_id": [1, 2], "unit_id": ["1.1", "1.2"], "accession": ["A", "B"], "instance_uid": ["1.1.1", "1.2.1"], "series_uid": ["1.1", "1.2"],
                       "study_uid": ["1", "2"]})  # fmt: skip


def _ground(*, tissue: bool = True) -> Ground:
    """A slide of 64 x 64 pixels of 0.5 um in four tiles, of which the last shows tissue in its left half alone."""
    whole = np.full((4, 32, 32), tissue)
    whole[3, :, 16:] = False
    return Ground(64, 64, 0.5, 32.0, [(0, 0, 0), (32, 0, 0), (0, 32, 0), (32, 32, 0)], np.packbits(whole.reshape(4, -1), axis=1))


def _told(*regions: str, slide: str = "A", subject: int = 1, listed: tuple[str, ...] = ("A",), task: ImageTask = ASKED):
    """Labels of the tiles by name, and the counts, when these regions were drawn on one slide."""
    events = [Event(subject, None, "TUMOUR", encounter_id=slide, text_value=region, source="x") for region in regions]
    events += [Event(1 if one == "A" else 2, None, "DRAWN", encounter_id=one, source="x") for one in listed]
    rows, counts = truths(task, SLIDES, frame(events), {"1.1": _ground(), "1.2": _ground()})
    return dict(rows.select("unit_id", "label").iter_rows()), counts


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Study:
    folder = tmp_path_factory.mktemp("tiles")
    made = study(folder / "study", TASK, drawn(24, folder), mapping="regions.toml", policy="as-received")
    made.run(quiet=True)
    return made


def test_a_tile_is_yes_with_enough_of_its_tissue_inside_no_with_none_and_left_out_between():
    labels, counts = _told("0,0,40,32")
    assert labels == {"1.1#0-0@0": True, "1.1#32-0@0": False, "1.1#32-32@0": False}
    assert counts["tumour: tiles partly inside a region, left out"] == 1


def test_the_share_is_of_tissue_not_of_glass():
    assert _told("32,32,16,32")[0]["1.1#32-32@0"] is True
    assert _told("48,32,16,32")[0]["1.1#32-32@0"] is False


def test_the_declared_share_decides_and_several_regions_add_up():
    some = "32,0,8,32", "40,0,8,32"
    assert _told(*some)[0]["1.1#0-32@0"] is True
    assert "1.1#0-32@0" not in _told(some[0])[0]
    assert _told(some[0], task=msgspec.structs.replace(ASKED, tile_share=0.25))[0]["1.1#0-32@0"] is True


def test_a_polygon_in_micrometres_is_the_same_polygon_in_pixels():
    pixels, um = "0,0 64,0 64,30 0,30", "0,0 32,0 32,15 0,15"
    assert _told(pixels)[0] == _told(um, task=msgspec.structs.replace(ASKED, regions_in="um"))[0]
    assert set(_told(pixels)[0].values()) == {True, False}


def test_a_slide_that_nobody_listed_has_no_tile_truth_and_is_counted():
    labels, counts = _told("0,0,32,32", slide="B", subject=2)
    assert {name.split("#")[0] for name in labels} == {"1.1"}
    assert not any(labels.values())
    assert counts["slides that are not listed, no tile asked about"] == 1
    assert counts["tumour: regions on slides that are not listed, not used"] == 1
    assert _told("0,0,32,32", listed=())[0] == {}


@pytest.mark.parametrize(("region", "reason"), [
    ("60,60,32,32", "lies outside the slide"), ("-9,0 9,0 9,9", "lies outside the slide"), ("0,0 32,32 32,0 0,32", "crosses itself"),
    ("0,0 9,9 18,18", "has no area"), ("1,1 1,1 1,1", "has no area"), ("near the edge", "is neither box nor polygon"), ("1,2,3", "is neither box nor polygon"),
    ("0,0,0,9", "is neither box nor polygon"), ("0,0 nan,1 3,4", "is neither box nor polygon"), ("", "is neither box nor polygon"),
])  # fmt: skip
def test_what_can_be_no_region_is_counted_and_no_tile_of_its_slide_is_called_free(region, reason):
    labels, counts = _told(region, "0,0,32,32", listed=("A", "B"))
    assert {name.split("#")[0] for name in labels} == {"1.2"}
    assert counts[f"tumour: a region that {reason}, not used"] == 1
    assert counts["tumour: tiles of slides with a region that cannot be used, left out"] == 4


def test_a_region_of_an_unknown_slide_or_of_another_subjects_is_counted():
    for slide, subject in (("Z", 1), ("A", 2)):
        labels, counts = _told("0,0,32,32", slide=slide, subject=subject)
        assert not any(labels.values())
        assert counts["labelled images that are not among those taken"] == 1


def test_a_polygon_with_a_hole_joined_to_its_rim_leaves_the_hole_out():
    ring = corners("0,0 30,0 30,30 0,30 0,0 10,10 10,20 20,20 20,10 10,10")
    assert fault(ring, 30, 30) is None
    assert inside(ring, np.array([5.0, 15.0, 25.0]), np.array([15.0])).tolist() == [[True, False, True]]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=3, max_size=9))
def test_a_point_is_inside_where_the_border_runs_round_it_an_odd_number_of_times(points):
    told = corners(" ".join(f"{x},{y}" for x, y in points))
    if told is None or fault(told, 40, 40) == "has no area":
        return
    at = np.arange(0, 40, 3) + 0.37
    towards = told[:, 0] - at[None, :, None] + 1j * (told[:, 1] - (at + 0.19)[:, None, None])
    turns = np.angle(np.roll(towards, -1, axis=2) / towards).sum(axis=2) / (2 * np.pi)
    assert (inside(told, at, at + 0.19) == (np.round(turns) % 2 == 1)).all()


@settings(max_examples=60)
@given(st.text(alphabet="0123456789.,; -einfa", max_size=60))
def test_a_region_is_read_or_is_none_and_never_breaks(text):
    told = corners(text)
    assert told is None or fault(told, 100, 100) is None or isinstance(fault(told, 100, 100), str)


def test_tiles_of_the_nest_are_told_from_tiles_beside_it(trained):
    rows = of_test(trained)
    assert set(rows["output"]) == {"model", "intensity", "base-rate"}
    score = {}
    for (output,), own in rows.group_by("output"):
        true, false = (own.filter(pl.col("label") == said)["value"].to_numpy() for said in (True, False))
        score[output] = float(np.mean((true[:, None] > false) + 0.5 * (true[:, None] == false)))
    assert score["base-rate"] == 0.5
    assert score["model"] > 0.95
    assert score["model"] > score["intensity"] + 0.02


def test_tiles_of_a_subject_stay_in_one_split_and_name_their_slide(trained):
    rows = pl.read_parquet(trained.root / "cohort" / "decisions.parquet")
    assert rows.group_by("subject_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert (rows["unit_id"].str.split("#").list.first() == rows["parent_unit"]).all()
    assert rows["parent_unit"].n_unique() == 23
    assert rows.filter(pl.col("split") == "test")["label"].null_count() == rows.filter(pl.col("split") == "test").height


def test_counts_of_tiles_reconcile(trained):
    flow = msgspec.json.decode((trained.root / "cohort" / "flow.json").read_bytes())
    assert flow["slides that are not listed, no tile asked about"] == 1
    assert flow["tiles of slides in a split"] == flow["tiles"] == flow["tiles without any label, not asked"] + flow["tiles asked about"]
    assert flow["tumour: tiles partly inside a region, left out"] > 0


def test_intervals_resample_subjects_and_not_tiles(trained):
    result = msgspec.json.decode((trained.root / "reports" / "evaluation.json").read_bytes())["sections"][0]["result"]
    assert (result["clusters"], result["counts"]["subjects"]) == ("subjects", 11)
    assert result["counts"]["predictions"] > 1000


def test_the_bundle_answers_tiles_and_says_so_when_asked_for_a_slide(trained):
    model = OnnxSlides.open(Sealed.open(trained.root / "bundles" / "model"))
    features = pl.read_parquet(trained.root / "cohort" / "features.parquet")
    numbers = features.select(NAMES).to_numpy().astype(np.float32)
    together = model.each(numbers)
    assert together.shape == (features.height, 1)
    np.testing.assert_allclose(together[:5], np.concatenate([model.each(one[None]) for one in numbers[:5]]), atol=1e-5)
    with pytest.raises(Misconfigured, match="answers for tiles"):
        model.numbers(numbers)


def test_onnx_says_of_each_tile_what_torch_says():
    import onnxruntime

    with steady(2, 1) as torch:
        net = tile_develop.head(torch, 3, 8).eval()
        told = onnxruntime.InferenceSession(tile_develop.onnx(torch, net), providers=["CPUExecutionProvider"])
        for count in (1, 7, 60):
            tiles = torch.randn(count, len(NAMES))
            assert np.abs(told.run(None, {"tiles": tiles.numpy()})[0] - net(tiles).detach().numpy()).max() < 1e-4


@pytest.mark.parametrize(("change", "reason"), [
    ({"listed": None}, "without it no tile is free"), ({"tile_share": 0.0}, "no share"), ({"tile_share": 1.5}, "no share"),
    ({"segments": {"tumour": ["Tumour"]}}, "read from events alone"), ({"codes": {}}, "does not say which event"),
])  # fmt: skip
def test_a_task_on_tiles_that_cannot_be_is_told_before_anything_runs(change, reason):
    with pytest.raises(Misconfigured, match=reason):
        PILLAR.check(msgspec.structs.replace(ASKED, **change), {}, policy="as-received")


@pytest.mark.parametrize("question", ["grade", "detect", "segment"])
def test_tiles_are_classified_and_nothing_else(question):
    with pytest.raises(Misconfigured, match=f"nothing here can {question} with one decision a tile"):
        part_of(msgspec.structs.replace(ASKED, question=question))


def test_a_run_goes_on_over_regions_that_are_none_and_tells_them_in_its_flow(tmp_path):
    made_files = drawn(6, tmp_path)
    bad = ["p2,S2,0 0; 40 40; 40 0; 0 40,1", "p3,S3,250 250; 300 250; 300 300,1", "p4,S99,0 0; 9 0; 9 9,1", "p5,S6,0 0; 9 0; 9 9,1"]
    made_files["labels/regions.csv"] = str(made_files["labels/regions.csv"]) + "\n".join(bad) + "\n"
    made = study(tmp_path / "study", TASK, made_files, mapping="regions.toml", policy="as-received")
    made.run(["deidentify", "read", "cohort"], quiet=True)
    flow = msgspec.json.decode((made.root / "cohort" / "flow.json").read_bytes())
    assert flow["tumour: a region that crosses itself, not used"] == flow["tumour: a region that lies outside the slide, not used"] == 1
    assert flow["labelled images that are not among those taken"] == 2
    assert pl.read_parquet(made.root / "cohort" / "decisions.parquet")["parent_unit"].n_unique() == 3
