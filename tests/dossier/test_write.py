"""The dossier: every number cited, every gap marked, nothing claimed."""

from __future__ import annotations

import csv
import re
import runpy
from pathlib import Path

import msgspec
import pytest

from bedside.core.errors import Refused
from bedside.core.receipt import Item, Receipt
from bedside.dossier.checklist import ASKED
from bedside.dossier.references import Book
from bedside.dossier.write import write
from bedside.dossier.writing import plain
from bedside.evaluate.evaluation import Evaluation, evaluate, figures
from bedside.ledger.log import Ledger
from bedside.report.document import MADE, NOT_CLEARED
from bedside.report.markdown import inline, page

_MAKER = Path(__file__).parents[1] / "evaluate" / "made.py"
_MODEL = "ab" * 32
_CITED = re.compile(r"\[L(\d+):([^\]]+)\]")
STUDY = {
    "name": "deterioration | ward",
    "made": True,
    "claims": {"intended_use": "Early warning <b>of</b> deterioration", "population": None},
    "deidentify": {"policy": "expert-determination"},
    "task": {"outcome": {"name": "unplanned-intensive-care", "codes": ["LOCATION//ICU"], "from_hours": 0.0, "to_hours": 24.0},
             "split": {"folds": 0, "test_fraction": 0.3, "seed": 1}},
}  # fmt: skip
CARD = {
    "schema": "bedside.card/1",
    "learner": "lightgbm",
    "development": {"rows": 4000, "prevalence": 0.0421},
    "beside": ["clock", "news2"],
}


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    """One evaluation of made predictions."""
    predictions = runpy.run_path(str(_MAKER))["predictions"]()
    return evaluate(predictions, thresholds={"alert": 0.2}, seed=11, patient_days=40.0, resamples=60)


@pytest.fixture
def receipts(evaluation: Evaluation) -> list[Receipt]:
    """What the steps of a study leave behind, in order."""
    tally = {"source": "ehr", "file": "Observation.ndjson", "read": 100, "written": 90, "merged": {"same-record": 5}, "ignored": {},
             "quarantined": {"not-json": 5}}  # fmt: skip
    raw = {**tally, "read": 107, "quarantined": {"torn": 12}}
    told = {"told": {"task": STUDY["task"], "deidentify": STUDY["deidentify"]}}
    return [
        Receipt("deidentify", parameters=told, counts={"residue": {"hits": 0}, "records": raw}, code="0.1.0"),
        Receipt("read", counts={"tallies": [tally]}, code="0.1.0"),
        Receipt("cohort", parameters=told, code="0.1.0", counts={
            "splits": [{"split": "test", "decisions": 960, "subjects": 80}], "flow": {"encounters": 400, "decisions": 4960}}),
        Receipt("train", parameters=told, outputs=[Item("bundles/model/manifest.json", _MODEL)], code="0.1.0"),
        Receipt("open-test-labels", parameters={"plan": "cd" * 32, "bundle": _MODEL, "split": "test"}),
        Receipt("test", figures=figures(evaluation), code="0.1.0"),
    ]  # fmt: skip


@pytest.fixture
def write_ledger(tmp_path: Path):
    """Receipts to entries as dicts, through a real ledger."""

    def written(receipts: list[Receipt]) -> list[dict]:
        ledger = Ledger(tmp_path / "ledger", key=bytes(32))
        return [msgspec.to_builtins(ledger.append(receipt)) for receipt in receipts]

    return written


@pytest.fixture
def entries(receipts, write_ledger) -> list[dict]:
    """The ledger of the study."""
    return write_ledger(receipts)


@pytest.fixture
def study() -> dict:
    return STUDY


@pytest.fixture
def card() -> dict:
    return CARD


@pytest.fixture
def texts(tmp_path, study, entries, evaluation, card) -> dict[str, str]:
    paths = write(tmp_path / "dossier", study=study, entries=entries, evaluation=evaluation, bundle_card=card, made=True)
    return {path.name: path.read_text() for path in paths}


def test_a_card_and_a_draft_are_written_as_text_and_as_pages(texts):
    assert sorted(texts) == ["model_card.html", "model_card.md", "premarket_510k.html", "premarket_510k.md"]


def test_every_reference_leads_to_an_entry_that_holds_what_is_cited(texts, entries):
    held = {entry["seq"]: {figure["name"]: figure["value"] for figure in entry["receipt"]["figures"]} for entry in entries}
    for name in ("model_card.md", "premarket_510k.md"):
        cited = _CITED.findall(texts[name])
        assert len(cited) > 50
        assert all(what in held[int(seq)] for seq, what in cited if what.startswith("test/"))
        assert all(int(seq) in held for seq, _ in cited)


def test_every_number_of_a_result_stands_beside_its_reference(texts):
    for name in ("model_card.md", "premarket_510k.md"):
        bare = [line for line in texts[name].splitlines() if re.search(r"\d\.\d{3}\b", line) and not _CITED.search(line)]
        assert bare == []


def test_the_area_is_the_ledgers_with_its_interval(texts, evaluation):
    auroc = evaluation.row("risk").auroc
    assert f"{auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f}) [L6:test/risk/auroc]" in texts["model_card.md"]


def test_the_word_that_the_guidance_warns_of_is_not_used(texts):
    assert not [name for name, text in texts.items() if "validation" in text.lower() or "validated" in text.lower()]


def test_no_equivalence_is_claimed_and_no_clearance(texts):
    assert not [name for name, text in texts.items() if re.search(r"substantial(ly)? equivalen", text, re.IGNORECASE)]
    assert all(NOT_CLEARED in text for text in texts.values())
    assert "makes no statement about equivalence" in texts["premarket_510k.md"]


def test_the_guidance_is_called_a_draft(texts):
    assert "which is a **draft**" in texts["premarket_510k.md"]


def test_made_data_is_said_to_be_made(texts):
    assert all(MADE in text for text in texts.values())


def test_what_only_people_can_say_is_marked_and_counted(texts):
    draft = texts["premarket_510k.md"]
    said = re.search(r"Fields that only people can fill: (\d+)", draft)
    assert said is not None
    assert int(said[1]) == draft.count("**TO BE COMPLETED**") > 20
    assert "Truthful and accurate statement (21 CFR 807.87): **TO BE COMPLETED** by a person: to be signed" in draft


def test_what_the_study_declares_is_said_to_be_declared(texts):
    assert r"Intended use: Early warning \<b\>of\</b\> deterioration (as declared in study.toml)" in texts["premarket_510k.md"]
    assert "Intended patients: **TO BE COMPLETED**" in texts["model_card.md"]


def test_typed_text_cannot_become_markup(texts):
    assert "<b>of</b>" not in texts["premarket_510k.html"]
    assert "&lt;b&gt;of&lt;/b&gt;" in texts["premarket_510k.html"]


def test_the_order_of_model_opening_and_test_is_read_off_the_ledger(texts):
    assert (
        "sealed [L4:outputs] before the test labels were opened [L5:parameters], and tested after [L6:figures]"
        in texts["premarket_510k.md"]
    )
    assert "self-attested" in texts["premarket_510k.md"]


def test_labels_opened_before_the_model_was_sealed_are_told(tmp_path, study, receipts, write_ledger, evaluation, card):
    entries = write_ledger([*receipts[:3], receipts[4], receipts[3], receipts[5]])
    paths = write(tmp_path / "d", study=study, entries=entries, evaluation=evaluation, bundle_card=card, made=True)
    assert "Do not call this a test" in paths[2].read_text()


def test_a_second_look_is_told(tmp_path, study, receipts, write_ledger, evaluation, card):
    other = msgspec.structs.replace(receipts[4], parameters={"plan": "ee" * 32, "bundle": "00" * 32, "split": "test"})
    entries = write_ledger([*receipts[:4], other, *receipts[4:]])
    paths = write(tmp_path / "d", study=study, entries=entries, evaluation=evaluation, bundle_card=card, made=True)
    assert "opened 2 times" in paths[2].read_text()


def test_a_number_that_the_ledger_does_not_hold_is_not_printed(tmp_path, study, receipts, write_ledger, evaluation, card):
    kept = [figure for figure in receipts[5].figures if figure.name != "test/risk/auroc"]
    entries = write_ledger([*receipts[:5], msgspec.structs.replace(receipts[5], figures=kept)])
    paths = write(tmp_path / "d", study=study, entries=entries, evaluation=evaluation, bundle_card=card, made=True)
    assert "TO BE COMPLETED (no ledger entry holds test/risk/auroc)" in paths[0].read_text()


def test_an_evaluation_that_is_not_the_ledgers_is_refused(tmp_path, study, receipts, write_ledger, evaluation, card):
    changed = [
        msgspec.structs.replace(figure, value=0.99) if figure.name == "test/risk/auroc" else figure
        for figure in receipts[5].figures
    ]
    entries = write_ledger([*receipts[:5], msgspec.structs.replace(receipts[5], figures=changed)])
    with pytest.raises(Refused, match="test/risk/auroc"):
        write(tmp_path / "d", study=study, entries=entries, evaluation=evaluation, bundle_card=card, made=True)


def test_the_newest_entry_of_a_figure_is_the_one_cited(receipts, write_ledger):
    book = Book(write_ledger([*receipts, receipts[5]]))
    assert book.number("test/subjects", "count").endswith("[L7:test/subjects]")


def test_the_same_records_give_the_same_bytes(tmp_path, study, entries, evaluation, card):
    first, again = (
        [
            path.read_bytes()
            for path in write(tmp_path / where, study=study, entries=entries, evaluation=evaluation, bundle_card=card, made=True)
        ]
        for where in ("one", "two")
    )
    assert first == again


def test_an_empty_ledger_gives_a_dossier_of_gaps(tmp_path, evaluation):
    paths = write(tmp_path / "d", study={}, entries=[], evaluation=evaluation, bundle_card={}, made=False)
    text = paths[2].read_text()
    assert not _CITED.findall(text)
    assert text.count("TO BE COMPLETED (no ledger entry") > 20


def test_every_item_of_the_checklist_has_its_row(shared_data: Path):
    with (shared_data / "evidence/regulatory/fda_ai_dsf_checklist.csv").open() as stream:
        wanted = {(row["guidance_section"], row["submission_location"]) for row in csv.DictReader(stream)}
    assert wanted <= {(row.section, row.place) for row in ASKED}


def test_sections_that_the_checklist_names_are_there(texts):
    there = set(re.findall(r"^## (\d+) ", texts["premarket_510k.md"], re.MULTILINE))
    assert {section.strip() for row in ASKED for section in row.answered.split(",")} <= there


def test_a_reference_on_a_page_is_a_link_to_the_entry(texts):
    assert '<a href="#L6" class="ref" data-figure="L6:test/risk/auroc">L6</a>' in texts["model_card.html"]
    assert 'id="L6"' in texts["model_card.html"]


def test_escaped_text_comes_back_as_it_was():
    said = "a|b *c* _d_ `e` [L1:x] <f> \\ #g"
    assert inline(plain(said)) == "a|b *c* _d_ `e` [L1:x] &lt;f&gt; \\ #g"


def test_a_bar_inside_a_cell_does_not_end_it():
    drawn = page("t", "# t\n\n| a | b |\n| --- | --- |\n| " + plain("x|y") + " | z |")
    assert '<th scope="row">x|y</th><td>z</td>' in drawn
