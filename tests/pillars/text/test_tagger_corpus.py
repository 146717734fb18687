"""Annotated corpora: parsed, written as raw files, read by the spine's readers, and held against the text of each note."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedside.bundle.runners.text_spans import Span, apart
from bedside.core.errors import Malformed
from bedside.core.events import Event, frame
from bedside.formats.files import RawFile
from bedside.pillars.text.corpus import brat, iob, pubtator
from bedside.pillars.text.corpus.annotations import OTHER_WORDS, OUTSIDE, OVERLAPS, UNKNOWN_NOTE, UNREADABLE, gold, reasons
from bedside.pillars.text.corpus.copies import copies
from bedside.pillars.text.corpus.document import Document, write
from bedside.pillars.text.corpus.subgroups import subgroups
from bedside.readers.mapping import load
from bedside.readers.read import read


def read_back(root: Path) -> tuple[dict[str, str], pl.DataFrame]:
    """Notes and events of a written corpus, by the readers that a study uses."""
    mapping = load("annotated-notes", root)
    files = [RawFile("notes", "notes", path, path.name, path.name) for path in sorted((root / "notes").glob("*"))]
    tables = [RawFile("tables", "tables", path, path.name, path.name) for path in sorted((root / "tables").glob("*"))]
    readings = [read(file, timezone="UTC", mapping=mapping if file.format == "tables" else None) for file in files + tables]
    notes = {note.note_id: note.text for reading in readings for note in reading.notes}
    return notes, pl.concat([reading.events for reading in readings])


def annotated(*told: tuple[str, str]) -> pl.DataFrame:
    return frame([Event(1, None, f"ANNOTATION//{kind}", text_value=text, source=f"abc#{i}") for i, (kind, text) in enumerate(told, 2)])


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(st.sampled_from("ab ,|\"\n;é3"), min_size=1, max_size=40).filter(lambda one: one.strip()))
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=8))
    spans = [Span(a, b, draw(st.sampled_from(["drug", "problem"]))) for a, b in zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False)]
    kept = [span for span in spans if text[span.start : span.end].strip() == text[span.start : span.end] != ""]
    return Document("made-1", text, apart(kept))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(documents())
def test_what_a_corpus_says_is_what_the_lake_says(tmp_path_factory, document):
    root = tmp_path_factory.mktemp("corpus")
    write([document], root)
    notes, events = read_back(root)
    found = gold(notes, events, {"drug": "drug", "problem": "problem"})
    text = notes["made-1"]
    assert not found.rejected
    assert [(text[a:b], kind) for a, b, kind, _ in found.spans["made-1"]] == [(document.text[a:b], kind) for a, b, kind, _ in document.spans]


def test_a_note_annotated_with_nothing_is_asked_about_and_one_never_annotated_is_not():
    found = gold({"a": "No fever", "b": "No cough"}, annotated(("none", "a")), {"problem": "problem"})
    assert found.spans == {"a": []}


@pytest.mark.parametrize(
    ("told", "reason", "spoils"),
    [
        ("a|90|95|cough", OUTSIDE, True),
        ("a|5|5|", OUTSIDE, True),
        ("a|0|2|xx", OTHER_WORDS, True),
        ("a|2|8", OTHER_WORDS, True),
        ("a|three|8|fever", UNREADABLE, True),
        ("a", UNREADABLE, True),
        ("z|3|8|fever", UNKNOWN_NOTE, False),
    ],
)
def test_an_annotation_that_does_not_stand_on_its_words_is_named_with_its_line(told, reason, spoils):
    found = gold({"a": "No fever"}, annotated(("problem", "a|3|8|fever"), ("problem", told)), {"problem": "problem"})
    assert [(one.source, one.reason) for one in found.rejected] == [("abc#3", reason)]
    assert ("a" in found.spans, "a" in found.spoiled) == (not spoils, spoils)


def test_of_overlapping_annotations_of_one_kind_the_longest_is_kept_and_the_note_stays():
    told = annotated(("problem", "a|3|20|acute heart failu"), ("problem", "a|9|22|heart failure"), ("drug", "a|9|14|heart"))
    found = gold({"a": "No acute heart failure"}, told, {"problem": "problem", "drug": "drug"})
    assert found.spans["a"] == [Span(3, 20, "problem"), Span(9, 14, "drug")]
    assert reasons(found.rejected) == {OVERLAPS: 1}


def test_an_annotation_said_twice_is_one_and_types_that_nobody_asks_for_are_counted():
    told = annotated(("problem", "a|3|8|fever"), ("problem", "a|3|8|fever"), ("anatomy", "a|0|2|No"))
    found = gold({"a": "No fever"}, told, {"problem": "problem"})
    assert (found.spans["a"], found.rejected, found.others) == ([Span(3, 8, "problem")], [], {"anatomy": 1})


def test_a_pdf_that_calls_itself_a_note_is_quarantined_and_an_empty_note_ignored(tmp_path):
    write([Document("a", "No fever", [])], tmp_path)
    (tmp_path / "notes" / "scan.txt").write_bytes(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n")
    (tmp_path / "notes" / "plain.pdf").write_bytes(b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\n")
    (tmp_path / "notes" / "empty.txt").write_bytes(b"Patient-ID: a\nNote-ID: e\nDate: 2000-01-01\nType: x\n\n \n")
    files = [RawFile("notes", "notes", path, path.name, path.name) for path in sorted((tmp_path / "notes").glob("*"))]
    readings = {file.alias: read(file, timezone="UTC") for file in files}
    assert [len(readings[name].rejects) for name in ("scan.txt", "plain.pdf", "empty.txt", "a.txt")] == [1, 1, 0, 0]
    assert readings["empty.txt"].tally.ignored == {"a note without text": 1}


def test_brat_lines_stand_on_their_words_and_discontinuous_ones_are_counted():
    parsed = brat.parse("Fever and cough.", "T1\tSign 0 5\tFever\nA1\tNegated T1\nT2\tSign 0 5;10 15\tFever cough\n", name="n")
    assert (parsed.document.spans, parsed.discontinuous) == ([Span(0, 5, "Sign"), Span(0, 15, "Sign")], 1)
    for line in ("T1\tSign 0 4\tFever", "T1\tSign 0 99\tFever", "T1\tSign x y\tFever", "T1 Sign"):
        with pytest.raises(Malformed, match=r"n\.ann, line 1"):
            brat.parse("Fever and cough.", line, name="n")


def test_pubtator_counts_over_title_and_abstract():
    made = "7|t|Gout\n7|a|Gout again.\n7\t0\t4\tGout\tDisease\tD006073\n7\t5\t9\tGout\tDisease\tD006073\n7\tCID\tD1\tD2\n\n8|t|None\n8|a|\n"
    found = list(pubtator.parse(made))
    assert [(one.name, [one.text[s.start : s.end] for s in one.spans]) for one in found] == [("7", ["Gout", "Gout"]), ("8", [])]
    with pytest.raises(Malformed, match="line 3"):
        list(pubtator.parse("7|t|Gout\n7|a|x\n7\t1\t5\tGout\tDisease\tD1\n"))


def test_iob_documents_end_at_docstart_and_a_stray_i_begins_a_span():
    text = "-DOCSTART- O\n\nNo O\nfever I-x\n\n-DOCSTART- O\n\nCough B-x\nfits I-x\nfever B-x\n"
    found = list(iob.parse(text, name="c"))
    assert [[one.text[s.start : s.end] for s in one.spans] for one in found] == [["fever"], ["Cough fits", "fever"]]
    with pytest.raises(Malformed, match="line 2"):
        list(iob.parse("No O\nfever\n", name="c"))


def test_two_documents_of_one_name_are_refused(tmp_path):
    with pytest.raises(Malformed, match="one name"):
        write([Document("a", "x", []), Document("a", "y", [])], tmp_path)


def test_a_copied_note_is_seen_through_other_numbers_and_a_short_note_is_no_copy():
    note = "Admitted with heart failure on day {} and given furosemide forty milligrams twice daily until dry weight was reached again at home"
    assert copies({"d": note.format(3)}, {"t": note.format(7)}) == [("d", "t")]
    assert copies({"d": "No complaints today."}, {"t": "No complaints today."}) == []


def test_results_can_be_told_by_whose_note_it_is():
    at = datetime(2020, 6, 1)
    events = frame([Event(1, None, "SEX//female"), Event(1, 0, "MEDS_BIRTH"), Event(2, None, "RACE//a"), Event(2, None, "RACE//b")])
    notes = pl.DataFrame({"note_id": ["b", "a"], "subject_id": [2, 1], "known_at": [at, at]}, schema_overrides={"known_at": pl.Datetime("us")})
    told = subgroups(events, notes)
    assert told.select("sex", "age_band", "race").rows() == [("unknown", "unknown", "several"), ("female", "40-64", "unknown")]
