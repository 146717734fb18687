"""The audit finds what is known to be wrong with public data, and refuses to go on unless the task decides."""

from __future__ import annotations

import polars as pl
import pytest
from msgspec import structs
from tests.pillars.molecules.studies import events, shared, task, tdc

from bedside.cohort.divide import divide
from bedside.core.errors import Refused
from bedside.core.events import Event
from bedside.core.split import Split
from bedside.core.task_molecule import Standard
from bedside.pillars.molecules.audit import audit, counted, sentence
from bedside.pillars.molecules.compounds import gather

EVERYTHING = Standard(mixtures="largest", metals="keep", most=1000)
GO_ON = {"on_leak": "drop-from-train", "on_conflict": "drop"}

# Measured independently (largest fragment, uncharge, InChIKey): duplicate rows, conflicting groups, leaks by full key and first block, salts.
TABLE = {
    "herg": ("yes-no", 655, 40, 9, 7, 7, 12), "caco2_wang": ("number", 910, 14, 3, 0, 0, 9), "half_life_obach": ("number", 667, 2, 2, 0, 0, 10), "bioavailability_ma": ("yes-no", 640, 0, 0, 0, 0, 1),
}  # fmt: skip


def looked(told, asked, found):
    return audit(divide(found.compounds, asked.split, events=told), found.measured, told, asked)


@pytest.mark.parametrize("name", TABLE)
def test_what_is_wrong_with_tdc_is_found(shared_data, name):
    kind, rows, duplicates, conflicts, full, block, salts = TABLE[name]
    told, asked, found = tdc(shared_data, name, kind, standard=EVERYTHING, **GO_ON)
    seen = looked(told, asked, found).findings
    assert (seen.rows, seen.duplicate_rows, seen.conflicting_groups, seen.leak_full_key, seen.leak_first_block, seen.salts) == (
        rows, duplicates, conflicts, full, block, salts)  # fmt: skip
    if name == "herg":
        with pytest.raises(Refused, match="development knows test compounds \\(7 by InChIKey, 7 by its first block") as caught:
            looked(told, structs.replace(asked, on_leak="refuse", on_conflict="refuse"), found)
        assert "measurements of 9 compounds contradict each other" in str(caught.value)


def test_the_column_that_is_the_answer_is_named(shared_data):
    told, asked, found = shared(shared_data, "bace", "moleculenet", "ASSAY//bace-1-inhibitor", "molecules/moleculenet/bace.csv", kind="yes-no",
                                every=6, standard=EVERYTHING, split=Split("random"), **GO_ON)  # fmt: skip
    assert looked(told, asked, found).findings.revealing == ["ASSAY//bace-1-pIC50"]


ALKANES = [("CCO", 1.0), ("CCCO", 2.0), ("CCCCO", 3.0), ("c1ccccc1O", 4.0)]


def test_a_salt_of_a_training_compound_in_the_test_is_a_leak():
    told = events([*ALKANES, ("CC(=O)[O-].[Na+]", 1.0), ("CC(=O)O", 1.1)], split=["train"] * 5 + ["test"])
    with pytest.raises(Refused, match="1 by InChIKey"):
        looked(told, task(), gather(told, task()))
    kept = looked(told, task(**GO_ON), gather(told, task(**GO_ON)))
    assert (kept.findings.dropped_for_leak, kept.measured.height) == (1, 5)
    assert kept.compounds.filter(split="test").height == 1


def test_the_other_isomer_and_the_same_drawing_are_leaks_too():
    told = events([*ALKANES, ("C[C@H](N)C(=O)O", 1.0), ("C[C@@H](N)C(=O)O", 1.0)], split=["train"] * 5 + ["test"])
    with pytest.raises(Refused, match=r"0 by InChIKey, 1 by its first block, 1 by an equal fingerprint"):
        looked(told, task(), gather(told, task()))


def test_with_folds_a_compound_lies_in_one_fold_or_is_refused():
    told = events([*ALKANES, ("CC(=O)O", 1.0), ("CC(=O)[O-]", 1.1)])
    found = gather(told, task())
    apart = found.compounds.with_columns(pl.Series("split", ["fold-0", "fold-1", "fold-2", "fold-0", "fold-0", "fold-1"]))
    with pytest.raises(Refused, match="2 by InChIKey"):
        audit(apart, found.measured, told, task())
    kept = audit(apart, found.measured, told, task(**GO_ON))
    assert kept.compounds["unit_id"].to_list() == ["1", "2", "3", "4", "5"]


def test_no_message_holds_a_structure():
    told = events([("CC(=O)Oc1ccccc1C(=O)O", 1.0), ("CC(=O)Oc1ccccc1C(=O)O", 9.0)], split=["train", "test"])
    with pytest.raises(Refused) as caught:
        looked(told, task(), gather(told, task()))
    assert "c1ccccc1" not in str(caught.value)
    assert "BSYNRYMUTXBXSQ" not in str(caught.value)


@pytest.mark.parametrize(("kind", "values", "policy", "left"), [
    ("number", [1.0, 1.4, 1.5], "refuse", [1.0, 1.4, 1.5]),  # within the spread: nothing to decide
    ("number", [1.0, 1.4, 9.0], "drop", []), ("number", [1.0, 1.4, 9.0], "median", [1.4]),
    ("yes-no", [1.0, 1.0, 0.0], "drop", []), ("yes-no", [1.0, 1.0, 0.0], "median", [1.0]), ("yes-no", [1.0, 0.0], "median", []),
])  # fmt: skip
def test_contradictions_are_resolved_as_the_task_says(kind, values, policy, left):
    told = events([("CC(=O)O", value) for value in values] + [("CCCO", 0.0)], split=["train"] * (len(values) + 1))
    asked = task(kind, on_conflict=policy)
    kept = looked(told, asked, gather(told, asked))
    assert sorted(kept.measured["value"]) == pytest.approx([0.0, *left])
    assert kept.findings.dropped_for_conflict + kept.findings.merged == len(values) - len(left)


def test_contradictions_in_the_test_stay_and_are_told():
    told = events([*ALKANES, ("CC(=O)O", 0.0), ("CC(=O)O", 9.0)], split=["train"] * 4 + ["test"] * 2)
    kept = looked(told, task(**GO_ON), gather(told, task(**GO_ON)))
    assert (kept.measured.height, kept.findings.conflicting_test_rows) == (6, 2)
    assert sentence(kept.findings) == "audit of 6 measurements: 1 duplicate rows, 1 conflicting groups, 2 conflicting test rows"


def test_a_covariate_that_gives_the_label_away_is_refused_and_a_harmless_one_is_not():
    rows = [("C" * (n + 1) + "O", float(n % 2)) for n in range(40)]
    column = [Event(n + 1, None, "TRIAL//days", numeric_value=float(10 * (n % 2) + n / 100), source=f"f#{n}") for n in range(40)]
    words = [Event(n + 1, None, "TRIAL//why-stop", text_value="safety" if n % 2 else "as planned", source=f"f#{n}") for n in range(40)]
    ph = [Event(n + 1, None, "ASSAY//ph", numeric_value=7.0 + n % 3, source=f"f#{n}") for n in range(40)]
    told = events(rows, split=["train"] * 40, extra=column + words + ph)
    seen = looked(told, task("yes-no"), gather(told, task("yes-no"))).findings
    assert seen.revealing == ["TRIAL//days", "TRIAL//why-stop"]
    for code, refused in (("TRIAL//days", True), ("ASSAY//ph", False)):
        asked = task("yes-no", covariates={"x": code})
        if refused:
            with pytest.raises(Refused, match="the covariate TRIAL//days gives the label away"):
                looked(told, asked, gather(told, asked))
        else:
            assert looked(told, asked, gather(told, asked)).compounds["x"].to_list()[:4] == [7.0, 8.0, 9.0, 7.0]


def labelled(values, *, again=()) -> list[Event]:
    """A covariate's events, None where a compound has none."""
    told = [Event(n + 1, None, "ASSAY//x", numeric_value=value, source=f"f#{n}") for n, value in enumerate(values) if value is not None]
    return told + [Event(n + 1, None, "ASSAY//x", numeric_value=value, source=f"f#{n + 900}") for n, value in enumerate(again)]


@pytest.mark.parametrize(("values", "again"), [
    ([float(n % 2) for n in range(60)], ()),  # the label
    ([-10.0 * (n % 2) - n / 60 for n in range(60)], ()),  # falls as it rises
    ([10.0 * (n % 2) + n / 60 if n < 26 else None for n in range(60)], ()),  # of less than half of the compounds
    ([float(n) if n % 2 else None for n in range(60)], ()),  # known with one label only
    ([7.0 if n % 2 else float(n % 4 + 6) for n in range(60)], ()),  # neither high nor low: 6 and 8 are no, 7 is yes
    ([1.0] * 60, [float(n % 2) for n in range(60)]),  # the second result: what the model reads is the mean
])  # fmt: skip
def test_a_covariate_under_another_code_that_is_the_label_is_refused(values, again):
    rows = [("C" * (n + 1) + "O", float(n % 2)) for n in range(60)]
    asked = task("yes-no", covariates={"x": "ASSAY//x"})
    told = events(rows, split=["train"] * 60, extra=labelled(values, again=again))
    with pytest.raises(Refused, match="the covariate ASSAY//x gives the label away"):
        looked(told, asked, gather(told, asked))


@pytest.mark.parametrize("read", [lambda y: 3 * y + 1, lambda y: -(y**3), lambda y: y + 0.3 * (y % 3)])
def test_a_covariate_that_orders_compounds_as_the_number_does_is_refused(read):
    rows = [("C" * (n + 1) + "O", float(n)) for n in range(60)]
    asked = task(covariates={"x": "ASSAY//x"})
    told = events(rows, split=["train"] * 60, extra=labelled([read(float(n)) for n in range(60)]))
    with pytest.raises(Refused, match="the covariate ASSAY//x gives the label away"):
        looked(told, asked, gather(told, asked))


def test_a_targets_own_code_as_covariate_is_caught_by_the_audit_too():
    rows = [("C" * (n + 1) + "O", float(n % 2)) for n in range(60)]
    asked = task("yes-no", covariates={"hint": "ASSAY//y"})
    told = events(rows, split=["train"] * 60)
    with pytest.raises(Refused, match="the covariate ASSAY//y gives the label away"):
        looked(told, asked, gather(told, asked))


def test_where_a_label_is_rare_not_every_column_gives_it_away():
    rows = [("C" * (n + 1) + "O", float(n < 3)) for n in range(120)]
    asked = task("yes-no", covariates={"x": "ASSAY//x"})
    found = events(rows, split=["train"] * 120, extra=labelled([7.0 + n % 3 for n in range(120)]))
    assert looked(found, asked, gather(found, asked)).findings.revealing == []


def test_the_counts_are_plain_numbers():
    told = events(ALKANES, split=["train"] * 4)
    found = counted(looked(told, task(), gather(told, task())).findings)
    assert found["rows"] == 4
    assert all(type(value) is int for value in found.values())


def test_what_cannot_be_learned_from_is_counted_with_its_reason():
    extra = [Event(90, None, "ASSAY//y", numeric_value=1.0, source="f#90"), Event(91, None, "MOLECULE//SMILES", text_value="CCN", source="f#91"),
             Event(91, None, "MOLECULE//SMILES", text_value="CCO", source="f#92"), Event(91, None, "ASSAY//y", numeric_value=1.0, source="f#91"),
             Event(92, None, "MOLECULE//SMILES", text_value="CCN", source="f#93"), Event(92, None, "ASSAY//y", text_value="soluble", source="f#93"),
             Event(93, None, "MOLECULE//SMILES", text_value="CCF", source="f#94"),
             Event(93, None, "ASSAY//y", numeric_value=5.0, text_value=">5", lexeme=">5", source="f#94")]  # fmt: skip
    found = gather(events([("CCO", 1.0), ("C1CC", 2.0), ("CCS", None)], extra=extra), task())
    reasons = dict(pl.DataFrame(found.left_out, schema=["source", "reason"], orient="row").group_by("reason").len().iter_rows())
    assert reasons == {"SMILES that cannot be read": 1, "no measurement": 3, "no structure": 1, "several structures": 1, "value is no number": 1,
                       "value with a comparator": 1}  # fmt: skip
    assert found.compounds["unit_id"].to_list() == ["1"]
    assert found.records == 6


def test_two_results_of_one_compound_are_two_rows_of_it():
    extra = [Event(1, None, "ASSAY//y", numeric_value=1.2, source="file#9")]
    found = gather(events([("CCO", 1.0), ("CCN", 2.0)], extra=extra), task())
    assert sorted(found.measured.iter_rows()) == [("1", "y", 1.0), ("1/1", "y", pytest.approx(1.2)), ("2", "y", 2.0)]
    assert found.compounds.filter(subject_id=1)["key"].n_unique() == 1


@pytest.mark.parametrize("value", [2.0, -1.0, 0.5])
def test_a_label_is_zero_or_one(value):
    found = gather(events([("CCO", value), ("CCN", 1.0)]), task("yes-no"))
    assert [reason for _, reason in found.left_out] == ["value is neither 0 nor 1", "no measurement"]
