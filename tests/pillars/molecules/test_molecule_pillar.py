"""Molecules from a laboratory's tables to the report: what is left out is counted, what is sealed runs alone, twice is the same."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from tests.pillars.molecules.studies import run

from bedside.bundle.runners.molecules import MoleculeModel, scorer
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Malformed, Misconfigured, Refused, Unusable
from bedside.core.pillar import Material
from bedside.core.task import AnyTask
from bedside.demo.molecules import BAD, COMPOUNDS
from bedside.pillars.molecules.faults import taken
from bedside.pillars.molecules.lines import Rule, rule, threshold
from bedside.pillars.molecules.options import options
from bedside.pillars.molecules.pillar import PILLAR

ASPIRIN, NONSENSE = "CC(=O)Oc1ccccc1C(=O)O", "C1CC(=O"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run(tmp_path_factory.mktemp("molecules") / "study").root


def predictions(study: Path, name: str = "test") -> pl.DataFrame:
    return pl.read_parquet(study / f"predictions/{name}.parquet")


def test_every_compound_is_decided_on_or_left_out_with_place_and_reason(study):
    flow = json.loads((study / "cohort/flow.json").read_text())
    left = json.loads((study / "cohort/left-out.json").read_text())["left_out"]
    reasons = {reason for _, reason in left}
    assert reasons == {"SMILES that cannot be read", "no structure", "holds a metal", "mixture", "value with a comparator", "another unit than the target's",
                       "no measurement"}  # fmt: skip
    assert flow["compounds read"] == COMPOUNDS + len(BAD) == flow["compounds"] + 6  # four structures, two whose only result is no use
    assert all("#" in place for place, _ in left)
    assert "C1CC" not in (study / "cohort/left-out.json").read_text()


def test_no_prediction_names_a_subject_and_none_of_the_test_was_known(study):
    told = predictions(study)
    assert told["subject_id"].null_count() == told.height
    assert set(told["output"]) == {"model", "mean", "logp_weight"}
    assert set(told["target"]) == {"solubility", "channel"}
    assert set(told["domain"]) <= {"far", "between", "near"}
    assert not set(told["unit_id"]) & set(predictions(study, "development")["unit_id"])
    assert not set(told["group_id"]) & set(predictions(study, "development")["group_id"])


def test_intervals_hold_as_they_promise_out_of_fold_and_in_the_test(study):
    for name, slack in (("development", 0.05), ("test", 0.15)):  # 81 test molecules of other scaffolds: an exact .9 is not promised there
        rows = predictions(study, name).filter(pl.col("target") == "solubility", pl.col("output") == "model")
        inside = rows.select(((pl.col("low") <= pl.col("truth")) & (pl.col("truth") <= pl.col("high"))).mean()).item()
        assert inside == pytest.approx(0.9, abs=slack)


def test_probabilities_mean_what_they_say_out_of_fold(study):
    rows = predictions(study, "development").filter(pl.col("target") == "channel", pl.col("output") == "model")
    assert rows["value"].mean() == pytest.approx(rows["label"].mean(), abs=0.03)
    assert rows["low"].null_count() == rows.height


def test_the_model_beats_the_mean_on_both_targets(study):
    told = predictions(study)
    error = {name: told.filter(target="solubility", output=name).select((pl.col("value") - pl.col("truth")).abs().mean()).item() for name in ("model", "mean")}
    brier = {name: told.filter(target="channel", output=name).select(((pl.col("value") - pl.col("label").cast(pl.Float64)) ** 2).mean()).item() for name in ("model", "mean")}
    assert error["model"] < 0.6 * error["mean"]
    assert brier["model"] < 0.9 * brier["mean"]


def test_the_report_judges_each_target_by_its_kind(study):
    told = json.loads((study / "reports/evaluation.json").read_text())
    assert [section["result"]["kind"] for section in told["sections"]] == ["number", "yes-no"]
    assert {row["column"] for section in told["sections"] for row in section["result"]["subgroups"]} >= {"domain"}


def test_the_bundle_answers_without_the_pillar_that_made_it(study):
    asked = f"""
import sys
from importlib.abc import MetaPathFinder
class No(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "chemprop", "sklearn") or name.startswith("bedside.pillars"):
            raise ImportError(name)
sys.meta_path.insert(0, No())
from bedside.bundle.runners.molecules import scorer
print(*scorer({str(study / "bundles/model")!r})(["{ASPIRIN}", "{NONSENSE}", None]))
"""
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert said == [str(one) for one in scorer(study / "bundles/model")([ASPIRIN, NONSENSE, None])]
    assert said[1:] == ["nan", "nan"]


def test_the_bundle_says_of_raw_smiles_what_the_study_said_of_the_compound(study):
    rows = predictions(study).filter(target="solubility", output="model").sort("unit_id")
    drawn = pl.read_parquet(study / "lake/data/*.parquet").filter(code="MOLECULE//SMILES").with_columns(pl.col("subject_id").cast(pl.String))
    smiles = rows.join(drawn.select(pl.col("subject_id").alias("unit_id"), "text_value"), on="unit_id", maintain_order="left")["text_value"]
    np.testing.assert_array_equal(scorer(study / "bundles/model", target="solubility")(smiles.to_list()), rows["value"].to_numpy())


def test_a_scorer_of_what_is_not_there_is_told(study):
    with pytest.raises(Misconfigured, match="no output 'forest' for 'solubility'"):
        scorer(study / "bundles/model", output="forest")
    assert len(scorer(study / "bundles/model", target="channel")([])) == 0
    assert 0 <= scorer(study / "bundles/model", target="channel")([ASPIRIN])[0] <= 1


def test_a_bundle_whose_weights_were_changed_does_not_open(study, tmp_path):
    import shutil

    shutil.copytree(study / "bundles/model", tmp_path / "model")
    path = tmp_path / "model/t0/model/member-00-00.txt"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(Refused, match=r"member-00-00\.txt has changed"):
        MoleculeModel.open(tmp_path / "model")
    with pytest.raises(Malformed):
        MoleculeModel.open(tmp_path / "nothing")


def test_nothing_in_the_bundle_is_a_pickle(study):
    kinds = {Path(name).suffix for name in Sealed.open(study / "bundles/model").files}
    assert kinds == {".json", ".txt", ".safetensors"}


def test_the_same_study_gives_the_same_bundle(study, tmp_path):
    again = run(tmp_path / "again", steps=("deidentify", "read", "cohort", "train")).root
    ours, theirs = (Sealed.open(root / "bundles/model") for root in (study, again))
    assert dict(ours.manifest.files) == dict(theirs.manifest.files)


@pytest.mark.parametrize("by", ["random", "subject", "cluster", "time"])
def test_every_split_keeps_a_compound_on_one_side(tmp_path, by):
    root = run(tmp_path / by, steps=("deidentify", "read", "cohort"), split=by).root
    rows = pl.read_parquet(root / "cohort/decisions.parquet").join(pl.read_parquet(root / "cohort/features.parquet"), on="unit_id")
    assert rows.group_by("skeleton").agg(pl.col("split").n_unique())["split"].max() == 1
    assert 0.1 < (rows["split"] == "test").mean() < 0.45
    if by == "time":
        assert rows.filter(pl.col("split") == "train")["prediction_time"].max() < rows.filter(pl.col("split") == "test")["prediction_time"].min()


def test_with_folds_every_compound_is_tested_by_members_that_did_not_know_its_scaffold(tmp_path):
    root = run(tmp_path / "folds", folds=3).root
    rows = predictions(root).filter(target="channel", output="model")
    assert rows.height == COMPOUNDS
    assert rows.filter(pl.col("scaffold") != "no ring").group_by("group_id").agg(pl.col("split").n_unique())["split"].max() == 1
    told = json.loads((root / "predictions/thresholds.json").read_text())
    assert set(told["channel"]["by_fold"]["flag"]) == {"fold-0", "fold-1", "fold-2"}


def declared() -> dict:
    return tomllib.loads(files("bedside.demo").joinpath("molecules.toml").read_text())


@pytest.mark.parametrize(("change", "told"), [
    ({"asks": [{"name": "solubility", "kind": "region"}]}, "kind region is not for molecules"), ({"asks": []}, "asks is empty"),
    ({"codes": {"solubility": "ASSAY//solubility"}}, "codes says nothing of channel"), ({"split": {"by": "site"}}, "names no site"),
    ({"split": {"by": "declared", "folds": 3}}, "a declared split has none"), ({"spread": -1.0}, "spread must not be below 0"),
    ({"standard": {"fewest": 9, "most": 3}}, "fewest must be at least 1"), ({"split": {"test_fraction": 0.9, "tune_fraction": 0.2}}, "leave subjects"),
])  # fmt: skip
def test_a_task_that_makes_no_sense_is_told_before_anything_runs(change, told):
    tree = declared()["task"] | change
    with pytest.raises(Misconfigured, match=told):
        PILLAR.check(msgspec.convert(tree, AnyTask), {}, policy="as-received")


def test_the_network_reads_no_covariate():
    task = msgspec.convert(declared()["task"] | {"covariates": {"ph": "ASSAY//ph"}}, AnyTask)
    PILLAR.check(task, {}, policy="as-received")
    with pytest.raises(Misconfigured, match="the network reads the structure alone"):
        PILLAR.check(task, {"beside": ["d-mpnn"]}, policy="as-received")


@pytest.mark.parametrize("code", ["ASSAY//solubility", "ASSAY//channel", "assay//Channel ", "ASSAY//channel//raw", "ASSAY", "MOLECULE//SMILES", "SPLIT//test"])
def test_a_covariate_that_is_an_answer_is_refused_before_anything_is_read(code):
    task = msgspec.convert(declared()["task"] | {"covariates": {"hint": code}}, AnyTask)
    with pytest.raises(Refused, match="a covariate reads what the task asks for"):
        PILLAR.check(task, {}, policy="as-received")


def test_a_covariate_that_no_compound_has_is_told(tmp_path):
    with pytest.raises(Unusable, match=r"no compound has a number of the covariate ph \(ASSAY//ph\)"):
        run(tmp_path / "study", steps=("deidentify", "read", "cohort"), more='covariates = { ph = "ASSAY//ph" }')


@pytest.mark.parametrize("name", ["smiles", "SMILES", "unit_id", "split", "skeleton", "subject_id", "time", "key", "salt", "value", "label", "x_right", "by_key", "",
                                  "a b", "../x"])  # fmt: skip
def test_a_covariate_has_a_name_of_its_own(name):
    task = msgspec.convert(declared()["task"] | {"covariates": {name: "ASSAY//ph"}}, AnyTask)
    with pytest.raises(Misconfigured, match="covariates: "):
        PILLAR.check(task, {}, policy="as-received")


def test_no_column_that_a_molecule_study_makes_can_be_taken(study):
    made = [name for path in ("cohort/decisions.parquet", "cohort/features.parquet", "predictions/test.parquet") for name in pl.read_parquet_schema(study / path)]
    assert not set(made) - taken()


@pytest.mark.parametrize("name", ["trees", "leaves", "rows_in_leaf", "bins", "epochs", "width", "depth", "batch", "folds", "repeats", "named", "scaffold_rows"])
@pytest.mark.parametrize("value", [-1, 3_000_000_000, 10**30])
def test_no_count_of_a_model_is_beyond_sense(name, value):
    with pytest.raises(Misconfigured, match=f"{name} must lie between|integer|`int`"):
        options({name: value})


@pytest.mark.parametrize("name", ["l2", "learning_rate", "feature_share", "row_share", "dropout", "coverage"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -0.1])
def test_no_number_of_a_model_is_none(name, value):
    with pytest.raises(Misconfigured, match=f"{name} must"):
        options({name: value})


@pytest.mark.parametrize("model", [{"kind": "forest"}, {"trees": 0}, {"coverage": 1.0}, {"beside": ["mean", "mean"]}, {"beside": ["lightgbm"]}, {"blocks": []},
                                   {"thresholds": {"flag": "best"}}, {"dropout": 1.0}, {"feature_share": 0}, {"unknown": 1}])  # fmt: skip
def test_a_model_that_makes_no_sense_is_told(model):
    with pytest.raises(Misconfigured):
        options(model)


def test_thresholds_by_hand():
    probability, outcome = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert threshold(Rule("youden"), probability, outcome) == 0.35
    assert threshold(rule("sensitivity=0.5"), probability, outcome) == 0.8
    assert threshold(rule("sensitivity=1"), probability, outcome) == 0.35
    assert threshold(rule("probability=0.25"), probability, outcome) == 0.25


def small(n: int, *, labels: list[bool] | None = None) -> tuple[Material, pl.DataFrame, pl.DataFrame]:
    """n alkanes with a ring at the end, their number of carbons as the answer."""
    tree = declared()["task"] | {"asks": [{"name": "y", "kind": "yes-no" if labels else "number"}], "codes": {"y": "ASSAY//y"}}
    rows = pl.DataFrame({"unit_id": [str(i) for i in range(n)], "target": ["y"] * n, "split": ["train"] * n, "group_id": [str(i) for i in range(n)],
                         "label": labels or [None] * n, "truth": [None] * n if labels else [float(i) for i in range(n)]},
                        schema_overrides={"label": pl.Boolean, "truth": pl.Float64})  # fmt: skip
    features = pl.DataFrame({"unit_id": rows["unit_id"], "smiles": ["C" * (i + 1) + "O" for i in range(n)], "skeleton": rows["unit_id"]})
    return Material(msgspec.convert(tree, AnyTask), {"trees": 5, "blocks": ["morgan"]}, Path(), "as-received", 1, True, "s"), rows, features


@pytest.mark.parametrize(("n", "labels", "told"), [
    (12, None, "needs at least 20 development molecules"), (30, [True] * 30, "all labels are alike"), (30, [True] + [False] * 29, "all labels are alike"),
])  # fmt: skip
def test_too_little_to_learn_from_is_told(tmp_path, n, labels, told):
    material, rows, features = small(n, labels=labels)
    with pytest.raises(Unusable, match=told):
        PILLAR.develop(material, rows, features, out=tmp_path / "model", training={})


def test_a_study_in_folds_is_tested_out_of_its_own_folds(tmp_path):
    material, rows, features = small(40, labels=[bool(i % 3) for i in range(40)])
    rows = rows.with_columns(pl.format("fold-{}", pl.col("unit_id").cast(pl.Int64) % 4).alias("split"))
    made = PILLAR.develop(material, rows, features, out=tmp_path / "model", training={})
    assert made.predictions.filter(output="model").height == 40
    assert set(made.lines["y"].by_fold["flag"]) == {"fold-0", "fold-1", "fold-2", "fold-3"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("labels", [None, [bool(i % 3) for i in range(40)]])
def test_a_network_goes_the_same_way_as_the_trees(tmp_path, labels):
    pytest.importorskip("chemprop", reason="the extra [gnn] is not installed")
    material, rows, features = small(40, labels=labels)
    network = dataclasses.replace(material, model={"kind": "d-mpnn", "epochs": 3, "width": 8, "folds": 2, "beside": ["mean"]})
    made = PILLAR.develop(network, rows, features, out=tmp_path / "model", training={})
    said = PILLAR.predict(network, rows, features, bundle=tmp_path / "model", out=tmp_path).predictions
    assert (said.height, made.predictions.height) == (80, 80)
    assert said["value"].is_finite().all()
    score = scorer(tmp_path / "model")(features["smiles"].to_list())
    np.testing.assert_array_equal(score, said.filter(output="model")["value"].to_numpy())
