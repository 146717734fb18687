"""Whole slides: DICOM and TIFF alike by level and place, tiles with tissue, and one answer a slide from all of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from tests.pillars.imaging.made_planes import of_test, study
from tests.pillars.imaging.made_slides import MPP, TILE, files, slide, tiff

from bedside import Study
from bedside.bundle.runners.onnx_slides import OnnxSlides
from bedside.bundle.runners.tiles import NAMES, embed, stains
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Malformed, Misconfigured
from bedside.pillars.imaging.planes.learn import steady
from bedside.pillars.imaging.slides import mil
from bedside.pillars.imaging.slides.convert import convert
from bedside.pillars.imaging.slides.open import opened
from bedside.pillars.imaging.slides.options import options
from bedside.pillars.imaging.slides.tiles import table
from bedside.pillars.imaging.slides.tissue import otsu, tissue

TASK = f"""
[task]
kind = "image"
name = "slides"
question = "classify"
unit = "slide"
modalities = ["SM"]
asks = [{{ name = "tumour", kind = "yes-no" }}]
codes = {{ tumour = "TUMOUR" }}
[task.split]
test_fraction = 0.4
[model]
tile = {TILE}
mpp = {MPP}
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[np.ndarray, Path, list[Path]]:
    """One slide: its pixels, as TIFF, as DICOM."""
    folder = tmp_path_factory.mktemp("pair")
    pixels = slide(np.random.default_rng(3), tumour=True)
    path = tiff(folder / "one.tif", pixels)
    levels = [folder / f"{number}.dcm" for number in range(3)]
    for place, data in zip(levels, convert(path, patient="p1", slide="S1", tile=64), strict=True):
        place.write_bytes(data)
    return pixels, path, levels


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Study:
    folder = tmp_path_factory.mktemp("slides")
    made = study(folder / "study", TASK, files(48, folder), mapping="slides.toml", policy="as-received")
    made.run(quiet=True)
    return made


def test_a_slide_is_the_same_to_the_pixel_as_tiff_and_as_dicom_at_every_level(pair):
    pixels, path, levels = pair
    with opened([path]) as one, opened(levels) as other:
        assert [(level.columns, level.rows, level.down) for level in one.levels] == [(level.columns, level.rows, level.down) for level in other.levels]
        assert [level.mpp for level in other.levels] == pytest.approx([0.5, 1.0, 2.0])
        for number, (ours, theirs) in enumerate(zip(one.levels, other.levels, strict=True)):
            told, said = (it.read(level, 24, 10, 40, 50) for it, level in ((one, ours), (other, theirs)))
            assert (told == said).all()
            assert (told == pixels[:: 2**number, :: 2**number][10:60, 24:64]).all()


def test_the_level_nearest_to_the_wanted_scale_is_taken_and_beyond_the_edge_is_glass(pair):
    with opened([pair[1]]) as one:
        assert one.near(0.9).mpp == pytest.approx(1.0)
        beyond = one.read(one.levels[0], 240, 240, 32, 32)
    assert (beyond[16:] == 255).all()
    assert (beyond[:16, :16] == pair[0][240:, 240:]).all()


def test_a_converted_level_is_clean_under_dciodvfy(pair):
    told = subprocess.run([str(Path(sys.executable).with_name("dciodvfy")), str(pair[2][0])], capture_output=True, text=True, check=False)
    assert [line for line in (told.stderr + told.stdout).splitlines() if line.startswith("Error")] == []


def test_tiles_cover_the_tissue_and_leave_the_glass(pair):
    with opened(pair[2]) as one:
        rows = table("S1", one, options({"tile": TILE, "mpp": MPP, "tissue": 0.25}))
    grid = (pair[0].astype(int).max(2) - pair[0].min(2) > 40).reshape(8, TILE, 8, TILE).mean(axis=(1, 3))
    taken = np.zeros((8, 8), dtype=bool)
    taken[rows["row"].to_numpy() // TILE, rows["column"].to_numpy() // TILE] = True
    assert taken[grid > 0.5].all()
    assert not taken[grid < 0.05].any()
    assert rows["tissue"].min() >= 0.25
    assert set(rows["mpp"]) == {0.5}


def test_a_large_slide_is_sampled_over_all_of_it(pair):
    with opened(pair[2]) as one:
        every, some = (table("S1", one, options({"tile": 16, "mpp": MPP, "most": most})) for most in (1000, 20))
    assert some.height <= 20 < every.height
    assert some["row"].max() - some["row"].min() > 0.8 * (every["row"].max() - every["row"].min())


def test_slides_are_told_apart_by_their_tiles(trained):
    rows = of_test(trained)
    assert set(rows["output"]) == {"model", "mean-tile", "amount", "base-rate"}
    score = {}
    for (output,), own in rows.group_by("output"):
        true, false = (own.filter(pl.col("label") == said)["value"].to_numpy() for said in (True, False))
        score[output] = float(np.mean((true[:, None] > false) + 0.5 * (true[:, None] == false)))
    assert score["base-rate"] == 0.5
    assert score["model"] > 0.8
    assert score["model"] > score["amount"]


def test_attention_of_each_slide_sums_to_one_and_lies_in_its_tiles(trained):
    found = list((trained.root / "predictions").rglob("attention.parquet"))
    assert len(found) == 1
    attention = pl.read_parquet(found[0])
    assert attention.group_by("unit_id").agg(pl.col("attention").sum())["attention"].to_numpy() == pytest.approx(1, abs=1e-4)
    tiles = pl.read_parquet(trained.root / "cohort" / "tiles.parquet")
    assert attention.join(tiles, on=["unit_id", "column", "row"]).height == attention.height


def test_the_bundle_answers_a_slides_pixels_as_it_answered_its_numbers(trained, pair):
    model = OnnxSlides.open(Sealed.open(trained.root / "bundles" / "model"))
    pixels = np.stack([pair[0][row : row + TILE, 96 : 96 + TILE] for row in range(64, 192, TILE)])
    from_pixels, from_numbers = model.tiles(pixels), model.numbers(embed(pixels))
    assert (from_pixels[0] == from_numbers[0]).all()
    assert from_pixels[1].shape == (4,)


@pytest.mark.parametrize("rising", [True, False])
def test_onnx_says_what_torch_says_for_any_number_of_tiles(rising):
    import onnxruntime

    with steady(2, 1) as torch:
        net = mil.network(len(NAMES), 3, 8, rising=rising).eval()
        told = onnxruntime.InferenceSession(mil.onnx(torch, net, len(NAMES)), providers=["CPUExecutionProvider"])
        for count in (1, 7, 60):
            tiles = torch.randn(count, len(NAMES))
            ours = told.run(None, {"tiles": tiles.numpy()})
            theirs = [one.detach().numpy() for one in net(tiles)]
            assert max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)) < 1e-4


def test_slides_are_graded_too(tmp_path):
    task = TASK.replace('"classify"', '"grade"').replace('asks = [{ name = "tumour", kind = "yes-no" }]', 'asks = [{ name = "isup", kind = "grade" }]')
    made = study(tmp_path / "study", task.replace('tumour = "TUMOUR"', 'isup = "ISUP"') + "epochs = 3\n", files(14, tmp_path), mapping="slides.toml", policy="as-received")
    made.run(["deidentify", "read", "cohort", "train"], quiet=True)
    assert set(made.predictions("development").filter(pl.col("output") == "model")["value"]) <= {0.0, 1.0, 2.0}


def test_slides_without_tissue_or_cut_off_are_left_out_and_named(tmp_path):
    made_files = files(6, tmp_path)
    glass = tiff(tmp_path / "glass.tif", np.full((256, 256, 3), 240, np.uint8))
    for level, data in enumerate(convert(glass, patient="p8", slide="S8", tile=64)):
        made_files[f"images/8/{level}.dcm"] = data
    made_files["images/9/0.dcm"] = bytes(made_files["images/1/0.dcm"])[:-5000]
    made = study(tmp_path / "study", TASK, made_files, mapping="slides.toml", policy="as-received")
    made.run(["deidentify", "read", "cohort"], quiet=True)
    left = pl.read_parquet(made.root / "cohort" / "left-out.parquet")
    assert left["reason"].to_list() == ["a slide without tissue"] * 3
    assert pl.read_parquet(made.root / "lake" / "quarantine" / "rejects.parquet")["reason"].str.contains("cut off").sum() == 1
    assert pl.read_parquet(made.root / "cohort" / "features.parquet").height == 6


def test_a_small_picture_of_a_slide_is_all_of_it_thinned_out(pair):
    with opened([pair[1]]) as one:
        assert (one.thumbnail(16) == pair[0][::4, ::4][::2, ::2]).all()
        assert (one.thumbnail(100) == pair[0][::2, ::2]).all()


def test_a_dicom_slide_without_a_scale_is_malformed(pair, tmp_path):
    whole = dcmread(pair[2][0])
    del whole.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    whole.save_as(tmp_path / "bare.dcm")
    with pytest.raises(Malformed), opened([tmp_path / "bare.dcm"]):
        pass


def test_a_tiff_without_a_scale_or_that_is_none_is_malformed(tmp_path):
    bare = tiff(tmp_path / "bare.tif", slide(np.random.default_rng(1), tumour=False), mpp=None)
    with pytest.raises(Malformed, match="without a scale"), opened([bare]):
        pass
    (tmp_path / "none.tif").write_bytes(b"no picture")
    with pytest.raises(Malformed, match="not a whole slide"), opened([tmp_path / "none.tif"]):
        pass


def test_a_study_of_slides_says_that_de_identification_would_hold_them_back(tmp_path):
    with pytest.raises(Misconfigured, match="as-received"):
        study(tmp_path / "study", TASK, files(1, tmp_path), mapping="slides.toml").run(quiet=True)


def test_otsu_divides_two_groups_between_them_and_glass_alone_has_no_tissue():
    values = np.concatenate([np.full(500, 0.1), np.full(300, 0.7)])
    assert 0.1 < otsu(values) < 0.7
    draw = np.random.default_rng(1)
    assert not tissue((240 + 1.5 * draw.standard_normal((64, 64, 3))).clip(0, 255).astype(np.uint8)).any()


def test_pure_stains_are_told_apart():
    # Optical densities of 1 of each stain alone (Ruifrok & Johnston 2001, table 1), back as light
    vectors = np.array([[0.650, 0.704, 0.286], [0.072, 0.990, 0.105]])
    light = np.round(256 * np.exp(-vectors / np.linalg.norm(vectors, axis=1, keepdims=True)) - 1).astype(np.uint8)
    np.testing.assert_allclose(stains(light), [[1, 0, 0], [0, 1, 0]], atol=0.03)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_numbers_of_a_tile_do_not_depend_on_its_company(seed, count):
    tiles = np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
    together = embed(tiles)
    assert together.shape == (count, len(NAMES))
    assert np.isfinite(together).all()
    np.testing.assert_allclose(together, np.concatenate([embed(tile[None]) for tile in tiles]), rtol=1e-5, atol=1e-6)
