"""The dossier of every kind of target: every number cited, nothing claimed."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import msgspec
import polars as pl
import pytest

from bedside.core.errors import Refused
from bedside.core.pillar import Lines
from bedside.core.receipt import Receipt
from bedside.core.target import Target
from bedside.dossier.write import write
from bedside.evaluate.figures import figures
from bedside.evaluate.judge import judge
from bedside.ledger.log import Ledger

_CITED = re.compile(r"\[L(\d+):([^\]]+)\]")
_TARGETS = [Target("solubility", "number", "mol/L"), Target("retinopathy", "grade"), Target("lesion", "found"), Target("hippocampus", "region"),
            Target("pneumonia", "yes-no")]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    """A test of five targets."""
    kinds = runpy.run_path(str(Path(__file__).parents[1] / "evaluate" / "kinds.py"))
    parts = [kinds[name]() for name in ("number", "grade", "found", "region", "finding")]
    return judge(_TARGETS, pl.concat([part[0] for part in parts], how="diagonal_relaxed"), pl.concat([part[1] for part in parts]), parts[3][2],
                 main="model", resamples=40, unit="image", lines={"lesion": Lines(serving={"screening": 0.3})})  # fmt: skip


@pytest.fixture
def told(tmp_path, found):
    """The card and the draft, written from a real ledger; and a second ledger's entries, to change."""
    entry = Ledger(tmp_path / "ledger", key=bytes(32)).append(Receipt("test", figures=figures(found), code="0.1.0"))
    entries = [msgspec.to_builtins(entry)]
    paths = write(tmp_path / "dossier", study={"name": "images"}, entries=entries, evaluation=found, bundle_card={}, made=False)
    return {path.name: path.read_text() for path in paths}, entries


def test_every_target_stands_under_its_own_heading(told):
    for name in ("model_card.md", "premarket_510k.md"):
        assert re.findall(r"^### Target: (\w+)$", told[0][name], re.MULTILINE)[:5] == [target.name for target in _TARGETS]


def test_every_number_of_a_result_stands_beside_an_entry_that_holds_it(told, found):
    held = {figure.name.replace(" ", "-") for figure in figures(found)}
    for name in ("model_card.md", "premarket_510k.md"):
        text = told[0][name]
        cited = [what for _, what in _CITED.findall(text) if what.startswith("test/")]
        assert len(cited) > 60
        assert set(cited) <= held
        assert [line for line in text.splitlines() if re.search(r"\d\.\d{3}\b", line) and not _CITED.search(line)] == []
        assert "no ledger entry holds" not in text


def test_each_kind_has_its_measures_with_interval(told, found):
    card = told[0]["model_card.md"]
    for key in ("solubility/model/mae", "retinopathy/model/kappa", "lesion/model/froc", "hippocampus/model/dice/mean", "pneumonia/model/auroc",
                "lesion/model/at/screening/sensitivity", "solubility/model-mean/mae"):  # fmt: skip
        assert re.search(rf"\([^)]+ to [^)]+\) \[L1:test/{key}\]", card), key


def test_a_threshold_of_things_found_is_named_for_the_label(told):
    assert "lesion: screening" in told[0]["premarket_510k.md"]


def test_images_have_no_card_at_the_bedside(told):
    assert "CDS Hooks" not in told[0]["premarket_510k.md"]
    assert "The output answers, of each image: solubility, retinopathy, lesion, hippocampus, pneumonia" in told[0]["premarket_510k.md"]


def test_the_word_that_the_guidance_warns_of_is_not_used(told):
    assert not [name for name, text in told[0].items() if "validat" in text.lower()]


def test_a_test_that_is_not_the_ledgers_is_refused(tmp_path, told, found):
    entries = msgspec.json.decode(msgspec.json.encode(told[1]))
    for figure in entries[0]["receipt"]["figures"]:
        if figure["name"] == "test/hippocampus/model/dice/mean":
            figure["value"] = 0.99
    with pytest.raises(Refused, match="test/hippocampus/model/dice/mean"):
        write(tmp_path / "other", study={}, entries=entries, evaluation=found, bundle_card={}, made=False)


def test_a_target_that_could_not_be_judged_is_named_among_the_limits(tmp_path):
    kinds = runpy.run_path(str(Path(__file__).parents[1] / "evaluate" / "kinds.py"))
    rows, said = kinds["number"]()
    more = pl.concat([rows, kinds["decisions"]("mass", 5)], how="diagonal_relaxed")
    found = judge([_TARGETS[0], Target("mass", "yes-no")], more, said, main="model", resamples=20, unit="image")
    entry = Ledger(tmp_path / "ledger", key=bytes(32)).append(Receipt("test", figures=figures(found)))
    paths = write(tmp_path / "d", study={}, entries=[msgspec.to_builtins(entry)], evaluation=found, bundle_card={}, made=False)
    assert "- mass could not be judged: no held-out prediction of 'model'" in paths[0].read_text()
