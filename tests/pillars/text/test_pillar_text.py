"""Notes go the whole path of a study: raw files, gold spans, split, sealed tagger, opened test labels, evaluation, ledger."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import polars as pl
import pytest

from bedside.bundle.runners.text_spans import Span
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.core.split import Split
from bedside.core.target import Target
from bedside.core.task_note import NoteTask
from bedside.demo.notes_study import write as write_demo
from bedside.pillars.text.corpus.annotations import OUTSIDE, SEVERAL_TEXTS
from bedside.pillars.text.corpus.document import Document, write
from bedside.pillars.text.pillar import PILLAR
from bedside.pillars.text.tagger.extractor import TaggedExtractor
from bedside.pillars.text.tagger.models import opened
from bedside.study.config import problems
from bedside.study.study import Study

pytest.importorskip("pycrfsuite")
GOLD = Path(__file__).parent / "gold"
STUDY = """schema = "bedside.study/1"
name = "made"
made = true
timezone = "UTC"
source = [{{ name = "notes", format = "notes", path = "raw/notes" }}, {{ name = "marks", format = "tables", path = "raw/tables", mapping = "annotated-notes" }}]
deidentify = {{ policy = "{policy}", attestation = "made notes" }}
task = {{ kind = "note", name = "made", asks = [{asks}], split = {{ {split} }} }}
model = {{ {model} }}
"""
ASKS = '{ name = "problem", kind = "found" }'
STEPS = ["deidentify", "read", "cohort"]


def study(root: Path, documents: list[Document], *, policy: str = "as-received", asks: str = ASKS, split: str = 'by = "declared"', model: str = "") -> Study:
    write(documents, root / "raw")
    (root / "study.toml").write_text(STUDY.format(policy=policy, asks=asks, split=split, model=model))
    return Study(root)


def made(name: str, split: str, *, subject: str | None = None, words: str = "fever") -> Document:
    text = f"Seen today, note {name}. No {words}."
    return Document(name, text, [Span(text.index(words), text.index(words) + len(words), "problem")], split, subject)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Study:
    root = tmp_path_factory.mktemp("demo")
    write_demo(root)
    told = Study(root)
    told.run(quiet=True)
    return told


def test_the_demo_goes_from_raw_notes_to_a_verified_folder(demo):
    assert demo.verify().ok
    f1 = {section.target.name: {row.output: row.measures["f1"].value for row in section.result.outputs} for section in demo.evaluation().sections}
    assert list(f1) == ["problem", "drug", "problem, any overlap", "drug, any overlap"]
    assert f1["problem, any overlap"]["model"] >= f1["problem"]["model"] > f1["problem"]["dictionary"]


def test_what_broke_in_the_demo_is_counted_and_placed(demo):
    cohort = next(entry for entry in demo.ledger() if entry.receipt.step == "cohort").receipt.counts
    assert cohort["annotations_not_taken"] == {OUTSIDE: 1}
    rejected = pl.read_parquet(demo.root / "cohort" / "annotations-rejected.parquet").to_dicts()
    lines = (demo.root / "raw/tables/annotations.csv").read_text().splitlines()
    assert [one["note_id"] for one in rejected] == ["made-001-1"]
    assert rejected[0]["source"].endswith(f"#{len(lines)}")
    read = next(entry for entry in demo.ledger() if entry.receipt.step == "read").receipt.counts
    reasons = json.dumps(read["tallies"])
    assert "a note without text" in reasons
    assert re.search(r"note is (a PDF|not text)", reasons)


def test_test_labels_are_opened_once_and_say_nothing_before(demo):
    assert [entry.receipt.step for entry in demo.ledger()].count("open-test-labels") == 1
    decisions = pl.read_parquet(demo.root / "cohort/decisions.parquet")
    assert decisions.filter(pl.col("split") == "test")["answer"].null_count() == decisions.filter(pl.col("split") == "test").height > 0
    assert decisions.filter(pl.col("split") != "test")["answer"].null_count() == 0


def test_no_words_of_a_note_stand_in_ledger_predictions_or_bundle_card(demo):
    told = json.dumps([json.loads(line) for file in (demo.root / "ledger").glob("*.jsonl") for line in file.read_text().splitlines()])
    predictions = pl.read_parquet(demo.root / "predictions/test.parquet").write_json()
    card = json.dumps(Sealed.open(demo.root / "bundles/model").card)
    for words in ("shortness of breath", "apixaban", "Plan discussed"):
        assert words not in told + predictions + card


def test_every_gold_span_of_a_test_note_is_a_row_of_every_output(demo):
    rows = pl.read_parquet(demo.root / "predictions/test.parquet")
    there = rows.filter("label").group_by("target", "output").agg(pl.col("unit_id").n_unique())
    assert there.group_by("target").agg(pl.col("unit_id").n_unique())["unit_id"].to_list() == [1] * 4
    assert rows["value"].is_nan().any()


def test_a_tagger_speaks_as_an_extractor_with_the_axes_of_the_rules(demo):
    extractor = TaggedExtractor.open(demo.root / "bundles/model", kinds={"problem": "problem", "drug": "medication"})
    text = "Denies chest pain or fever.\nStarted metoprolol 5 mg daily for hypertension."
    facts = extractor.extract(text)
    assert [(fact.kind, fact.text, fact.negated) for fact in facts] == [
        ("problem", "chest pain", True), ("problem", "fever", True), ("medication", "metoprolol", False), ("problem", "hypertension", False)]  # fmt: skip
    assert all(fact.score is not None and text[fact.start : fact.end] == fact.text for fact in facts)


def test_a_note_changed_after_the_cohort_is_refused(tmp_path):
    told = study(tmp_path, [made("a", "train"), made("b", "train", words="cough"), made("c", "test")])
    told.run(STEPS, quiet=True)
    notes = pl.read_parquet(tmp_path / "lake/notes.parquet")
    notes.with_columns(pl.col("text") + "!").write_parquet(tmp_path / "lake/notes.parquet")
    with pytest.raises(Refused, match="not the one"):
        told.run(["train"], quiet=True)


@pytest.mark.parametrize("policy", ["expert-determination", "safe-harbor", "limited-data-set"])
def test_de_identification_would_move_annotations_and_is_refused_with_words(tmp_path, policy):
    with pytest.raises(Refused, match="would move them"):
        study(tmp_path, [made("a", "train")], policy=policy).run(quiet=True)


def test_a_declared_split_with_one_subject_or_one_text_on_both_sides_is_refused(tmp_path):
    with pytest.raises(Refused, match="1 subjects and 0"):
        study(tmp_path / "one", [made("a", "train", subject="p"), made("b", "test", subject="p")]).run(STEPS, quiet=True)
    long = "Admitted with heart failure and given furosemide forty milligrams twice daily until dry weight was reached again at home, fever"
    twins = [Document(name, long, [Span(len(long) - 5, len(long), "problem")], split) for name, split in (("a", "train"), ("b", "test"))]
    with pytest.raises(Refused, match="0 subjects and 1 nearly equal"):
        study(tmp_path / "two", twins).run(STEPS, quiet=True)


def test_where_the_study_splits_a_copied_test_note_is_left_out_and_counted(tmp_path):
    long = "Admitted with heart failure and given furosemide forty milligrams twice daily until dry weight was reached again at home, fever"
    told = study(tmp_path, [Document(f"n{i}", long, [Span(len(long) - 5, len(long), "problem")]) for i in range(12)], split='by = "subject"')
    told.run(STEPS, quiet=True)
    flow = next(entry for entry in told.ledger() if entry.receipt.step == "cohort").receipt.counts["flow"]
    assert flow["left out of the test: nearly the text of a development note"] > 0
    assert pl.read_parquet(tmp_path / "cohort/decisions.parquet").filter(pl.col("split") == "test").is_empty()


def test_a_note_without_a_declared_split_is_counted_and_a_strange_split_told(tmp_path):
    told = study(tmp_path / "one", [made("a", "train"), Document("b", "No cough.", [])])
    told.run(STEPS, quiet=True)
    assert next(entry for entry in told.ledger() if entry.receipt.step == "cohort").receipt.counts["flow"]["without a declared split"] == 1
    with pytest.raises(Unusable, match="none of train, tune, test"):
        study(tmp_path / "two", [made("a", "dev")]).run(STEPS, quiet=True)


def test_folds_speak_of_every_note_by_a_model_of_the_others(tmp_path):
    words = ("fever", "cough", "gout", "asthma", "stroke", "rash")
    told = study(tmp_path, [made(f"n{i}", "", words=words[i % 6]) for i in range(24)], split='by = "subject", folds = 3', model="iterations = 20, folds = 2")
    told.run(quiet=True)
    assert told.evaluation().sections[0].result.counts.units == 24


def gold_documents(count: int) -> list[Document]:
    found = []
    for path in sorted(GOLD.glob("*-progress-note.json"))[:count]:
        record = json.loads(path.read_text())
        spans = [Span(thing["start"], thing["end"], thing["type"]) for thing in record["entities"]]
        found.append(Document(record["note"], path.with_suffix(".txt").read_bytes().decode(), spans, "train" if len(found) < 2 else "test"))
    return found


def test_rules_are_a_model_like_any_other_sealed_with_their_version(tmp_path):
    told = study(tmp_path, gold_documents(4), model='kind = "rules", kinds = { problem = "problem" }')
    told.run(quiet=True)
    sealed = Sealed.open(tmp_path / "bundles/model")
    assert sealed.manifest.runner_version == opened(sealed)["model"].version
    assert next(row for row in told.evaluation().sections[0].result.outputs if row.output == "model").measures["f1"].value > 0.5
    manifest = (tmp_path / "bundles/model/manifest.json").read_text()
    (tmp_path / "bundles/model/manifest.json").write_text(manifest.replace(sealed.manifest.runner_version, "rules/0"))
    with pytest.raises(Refused, match="other rules"):
        opened(Sealed.open(tmp_path / "bundles/model"))


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (NoteTask("t", []), "no target"),
        (NoteTask("t", [Target("a", "yes-no")]), "kind yes-no"),
        (NoteTask("t", [Target("a", "found"), Target("a", "found")]), "twice"),
        (NoteTask("t", [Target("a", "found")], types={"b": ["x"]}), "no target"),
        (NoteTask("t", [Target("a", "found"), Target("b", "found")], types={"b": ["a"]}), "counts as two"),
        (NoteTask("t", [Target("none", "found")]), "annotated with nothing"),
        (NoteTask("t", [Target("a", "found")], types={"a": []}), "no annotation type"),
        (NoteTask("t", [Target("a", "found")], split=Split(by="time")), "split by time"),
        (NoteTask("t", [Target("a", "found")], split=Split(by="declared", folds=3)), "no folds"),
    ],
)
def test_a_task_that_makes_no_sense_is_told(task, says):
    with pytest.raises(Misconfigured, match=says):
        PILLAR.check(task, {}, policy="as-received")


def test_an_annotation_table_that_lies_changes_no_other_note(tmp_path):
    told = study(tmp_path, [made("a", "train"), made("b", "train"), made("c", "test"), made("d", "train")])
    table = tmp_path / "raw/tables/annotations.csv"
    rows = table.read_text().splitlines()
    with table.open("a", newline="") as stream:
        csv.writer(stream).writerows([["a", "a", "problem", "0", "4", "Gone"], ["z", "z", "problem", "0", "4", "Seen"], ["b", "b", "problem", "x", "4", "Seen"]])
    told.run(STEPS, quiet=True)
    rejected = pl.read_parquet(tmp_path / "cohort/annotations-rejected.parquet")
    assert sorted(source.rsplit("#", 1)[1] for source in rejected["source"]) == [str(len(rows) + i) for i in (1, 2, 3)]
    assert pl.read_parquet(tmp_path / "cohort/decisions.parquet")["unit_id"].unique().sort().to_list() == ["c", "d"]


@pytest.mark.parametrize(("same", "counted"), [(True, {"said a second time": 1}), (False, {"left out: several texts under one Note-ID": 2})])
def test_one_note_id_twice_costs_no_other_note(tmp_path, same, counted):
    told = study(tmp_path, [made("a", "train"), made("b", "train"), made("c", "test"), made("d", "train")])
    twin = (tmp_path / "raw/notes/a.txt").read_text()
    (tmp_path / "raw/notes/d.txt").write_text(twin if same else twin.replace("Seen today", "Seen at home"))
    told.run(STEPS, quiet=True)
    receipt = next(entry for entry in told.ledger() if entry.receipt.step == "cohort").receipt.counts
    names = ("said a second time", "left out: several texts under one Note-ID")
    assert {name: many for name in names if (many := receipt["flow"][name])} == counted
    assert receipt["flow"]["notes"] == 4
    units = set(pl.read_parquet(tmp_path / "cohort/decisions.parquet")["unit_id"])
    assert units == ({"a", "b", "c"} if same else {"b", "c"})
    left = pl.read_parquet(tmp_path / "cohort/notes-left-out.parquet")
    assert (left["source"].n_unique(), left.height) == ((0, 0) if same else (2, 2))
    if not same:
        assert receipt["annotations_not_taken"][SEVERAL_TEXTS] == 1


@pytest.mark.parametrize(
    "model",
    [{"l2": math.inf}, {"l1": math.nan}, {"l1": -1.0}, {"iterations": 5_000_000_000}, {"folds": 1}, {"passes": 3},
     {"kind": "endpoint", "url": "u", "model": "m", "timeout_s": math.nan}, {"kind": "endpoint", "url": "u", "model": "m", "retries": -1}],
)  # fmt: skip
def test_a_number_that_is_none_or_out_of_range_is_refused_before_anything_runs(model):
    with pytest.raises(Misconfigured, match=f"{list(model)[-1]} must be a number from"):
        PILLAR.check(NoteTask("t", [Target("a", "found")]), model, policy="as-received")


def test_a_target_that_no_development_note_annotates_is_told(tmp_path):
    asks = ASKS + ', { name = "unicorn", kind = "found" }'
    with pytest.raises(Unusable, match="no development note annotates 'unicorn'"):
        study(tmp_path, [made("a", "train"), made("b", "test")], asks=asks).run(STEPS, quiet=True)


def test_no_copy_of_a_note_lies_in_another_fold(tmp_path):
    long = "Admitted with heart failure and given furosemide forty milligrams twice daily until dry weight was reached again at home, fever"
    copied = [Document(f"n{i}", long, [Span(len(long) - 5, len(long), "problem")]) for i in range(12)]
    told = study(tmp_path, [*copied, made("z", "", words="cough")], split='by = "subject", folds = 3')
    told.run(STEPS, quiet=True)
    flow = next(entry for entry in told.ledger() if entry.receipt.step == "cohort").receipt.counts["flow"]
    decisions = pl.read_parquet(tmp_path / "cohort/decisions.parquet").filter(pl.col("unit_id") != "z")
    assert decisions["split"].n_unique() == 1
    assert flow["left out: nearly the text of a note in another fold"] == 12 - decisions["unit_id"].n_unique() > 0
    leakage = json.loads((tmp_path / "cohort/leakage.json").read_text())
    assert leakage == {"subjects in more than one fold": 0, "notes compared with notes of other folds": 13, "nearly equal texts in more than one fold": 0}


def test_notes_of_other_codes_are_counted(tmp_path):
    other = study(tmp_path / "two", [made("a", "train"), made("b", "train"), made("c", "test")])
    path = tmp_path / "two/raw/notes/b.txt"
    path.write_text(path.read_text().replace("Type: Corpus text", "Type: Letter"))
    text = (tmp_path / "two/study.toml").read_text().replace("asks =", 'codes = ["NOTE//corpus-text"], asks =')
    (tmp_path / "two/study.toml").write_text(text)
    other = Study(tmp_path / "two")
    other.run(STEPS, quiet=True)
    flow = next(entry for entry in other.ledger() if entry.receipt.step == "cohort").receipt.counts["flow"]
    assert (flow["of codes not asked for"], flow["notes decided on"]) == (1, 2)


def test_annotations_of_a_note_with_windows_line_ends_and_accents_lie_where_they_were_made(tmp_path):
    text = "Café au lait.\r\n\r\nDénies fièvre.\r\nFièvre 38,5."
    spans = [Span(text.index(word), text.index(word) + 6, "problem") for word in ("fièvre", "Fièvre")]
    told = study(tmp_path, [Document("a", text, spans, "train"), made("b", "test")])
    told.run(STEPS, quiet=True)
    answer = pl.read_parquet(tmp_path / "cohort/decisions.parquet").filter(unit_id="a", target="problem")["answer"].item()
    note = pl.read_parquet(tmp_path / "lake/notes.parquet").filter(note_id="a")["text"].item()
    assert [note[start:end] for start, end in json.loads(answer)] == ["fièvre", "Fièvre"]


def test_the_study_in_the_page_is_a_study():
    page = (Path(__file__).parents[3] / "docs/text-tagger.md").read_text()
    declared = page.split("```toml")[1].split("```")[0]
    head = 'schema = "bedside.study/1"\nname = "page"\ntimezone = "UTC"\n'
    assert problems(head + declared, Path(), sources=False) == []
