"""Where something lies, unit by unit: nothing undefined vanishes."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bedside.core.errors import Unusable
from bedside.core.predictions import conform_measures
from bedside.core.target import Target
from bedside.evaluate.judge import judge

_TARGET = [Target("hippocampus", "region")]


@pytest.fixture(scope="module")
def frames():
    """Decisions, predictions and measures of one region."""
    return runpy.run_path(str(Path(__file__).with_name("kinds.py")))["region"]()


def _judged(frames, **more):
    return judge(_TARGET, *frames, main="model", resamples=60, unit="series", **more).only.result


def test_mean_median_and_quartiles_are_those_of_numpy(frames):
    value = frames[2].filter(pl.col("output") == "model", pl.col("measure") == "dice")["value"].to_numpy()
    own = _judged(frames).row("model").measures
    told = [own[f"dice/{key}"].value for key in ("mean", "median", "q1", "q3")]
    assert told == pytest.approx([value.mean(), *np.quantile(value, (0.5, 0.25, 0.75))])
    assert all(own[f"dice/{key}"].low < own[f"dice/{key}"].value < own[f"dice/{key}"].high for key in ("mean", "median", "q1", "q3"))


def test_a_unit_without_a_distance_is_counted_and_named_in_no_mean(frames):
    found = _judged(frames)
    assert (found.spread("model", "hd95_mm").undefined, found.spread("model", "hd95_mm").missing) == (1, 0)
    assert found.row("model").measures["hd95_mm/mean"].n == 44


def test_a_unit_without_a_row_is_missing_not_undefined(frames):
    rows, said, measures = frames
    found = _judged((rows, said, measures.filter(pl.col("unit_id") != "u3")))
    assert found.spread("model", "dice").missing == 1
    assert found.left_out == {"no measure of model": 1}


def test_the_worst_units_are_named_whichever_way_is_worse(frames):
    found = _judged(frames)
    dice, distance = found.spread("model", "dice"), found.spread("model", "hd95_mm")
    assert dice.worst[0].value == min(dice.values)
    assert distance.worst[0].value == max(distance.values)
    assert dice.worst[0].unit_id == distance.worst[0].unit_id


def test_a_missed_region_counts_as_worse_than_the_limit(frames):
    found = _judged(frames, limits={"hd95_mm": 1000.0})
    assert found.row("model").measures["hd95_mm/beyond_limit"].value == pytest.approx(1 / 45)
    assert found.row("atlas").measures["dice/beyond_limit"].n == 45


def test_the_difference_is_over_units_where_both_have_a_value(frames):
    gap = _judged(frames).differences[0].measures
    assert (gap["dice/mean"].n, gap["hd95_mm/mean"].n) == (45, 44)
    assert gap["dice/mean"].low > 0 > gap["hd95_mm/mean"].high


def test_a_measure_that_no_unit_has_says_so(frames):
    rows, said, measures = frames
    none = measures.with_columns(pl.when(pl.col("measure") == "hd95_mm").then(float("nan")).otherwise(pl.col("value")).alias("value"))
    own = _judged((rows, said, none)).row("model").measures
    assert own["hd95_mm/mean"].value is None
    assert "no unit has a value" in own["hd95_mm/mean"].method


def test_a_region_without_measures_is_refused(frames):
    with pytest.raises(Unusable, match="no measure of any region"):
        _judged((frames[0], frames[1], None))


def test_a_volume_too_large_does_not_make_up_for_one_too_small(frames):
    rows, said, _ = frames
    sign = pl.when(pl.int_range(pl.len()) % 2 == 0).then(1.0).otherwise(-1.0)
    volumes = [rows.select("unit_id", "target", "split").with_columns(pl.lit(output).alias("output"), pl.lit("volume_difference_ml").alias("measure"),
               pl.lit("mL").alias("unit"), (sign * size).alias("value")) for output, size in (("model", 0.5), ("atlas", 2.0))]  # fmt: skip
    found = _judged((rows, said, conform_measures(pl.concat(volumes))))
    assert abs(found.row("model").measures["volume_difference_ml/mean"].value) < 0.02
    assert found.row("model").measures["volume_difference_ml/size"].value == 0.5
    assert found.differences[0].measures["volume_difference_ml/size"].value == -1.5
