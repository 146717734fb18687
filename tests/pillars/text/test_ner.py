"""The statistical detector: names, places and firms that only the words around them give away; medicine stays."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.codes.drugs import drugs
from bedside.codes.icd10cm import diagnoses
from bedside.core.errors import Misconfigured, Missing
from bedside.deidentify.spans import KINDS, Span, joined
from bedside.deidentify.text import scrub, spans_of
from bedside.pillars.text import ner
from bedside.pillars.text.ner_words import closed, is_plain, open_words

pytest.importorskip("spacy")
pytest.importorskip(ner.MODEL)
ASQ = Path(__file__).parents[4] / "shared/data/deid/asq-phi/asq_spans.jsonl"


@pytest.fixture(scope="module")
def model():
    return ner.detector("ner")


def left(model, text):
    return scrub(text, detectors=[model]).text


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("He was evaluated by Szymborska in clinic and lives with Oyelaran.", ("Szymborska", "Oyelaran")),
        ("Transferred from Thornbury Grange after a fall.", ("Thornbury", "Grange")),
        ("Mbeki-Thorvaldsen called the office about refills.", ("Mbeki", "Thorvaldsen")),
        ("Dr. Xanthopoulou saw her. Xanthopoulou advised rest.", ("Xanthopoulou",)),
        ("Discussed with Gelencsér and White today.", ("Gelencsér", "White")),
        ("Facility: White Clinic\nCHIEF COMPLAINT", ("White",)),
        ("Lives at 12 Elm Street Apt. 4\nVordingborg\nDenmark 29587", ("Vordingborg", "29587")),
        ("She grew up in Domoszló and moved here from ESPOOLA.", ("Domoszló", "ESPOOLA")),
        ("PATIENT WAS TRANSFERRED FROM THORNBURY GRANGE. SHE WAS EVALUATED BY SZYMBORSKA TODAY.", ("THORNBURY", "GRANGE", "SZYMBORSKA")),
        ("She works at Bhattacharya Textiles in Ljubljana.", ("Bhattacharya", "Ljubljana")),
    ],
)
def test_names_that_no_rule_gives_away_are_found(model, text, gone):
    done = left(model, text)
    assert not [word for word in gone if word in done], done


@pytest.mark.parametrize(
    "text",
    [
        "Crohn's disease, Hodgkin lymphoma and Guillain-Barré syndrome were discussed.",
        "Started on Eliquis 5 mg, Lasix 40 mg and Humira; Xarelto stopped.",
        "A positive Chaddock reflex, Gleason score 7, Framingham risk 12 percent.",
        "Closed with 3-0 Vicryl over a Penrose drain after Bovie cautery and a Balfour retractor.",
        "Neurovascularly intact, normocephalic, no thyromegaly. Electrocardiogram and CT were normal.",
        "Seen in Cardiology and Pain Management; PCP and ER aware. MRI, CBC, TSH pending.",
        "A 54-year-old African American man from Texas, diagnosed back in 2021, travelled to Zambia.",
        "I'm told she doesn't smoke. Don't stop Metoprolol.",
    ],
)
def test_medicine_stays(model, text):
    assert not list(model.find(text, ()))


def test_a_name_takes_its_title_along_and_a_place_its_state_and_clinic(model):
    text = "Seen by Dr. Okonkwo at our Denver clinic and at Mayo Clinic in Rochester, MN."
    found = {text[span.start : span.end] for span in joined([*spans_of(text), *model.find(text, spans_of(text))])}
    assert {"Dr. Okonkwo", "Denver clinic", "Mayo Clinic in Rochester, MN"} <= found


def test_only_sentences_with_an_open_word_are_read_and_each_once(model, monkeypatch):
    read: list[str] = []
    pipe = model._model.pipe
    monkeypatch.setattr(type(model._model), "pipe", lambda self, texts, **options: pipe(read.append(one) or one for one in texts))
    text = "Chest pain for two days. Fjalar Nepomuzek-Grange came too. No fever. Fjalar Nepomuzek-Grange left."
    list(model.find_many([text, text], [(), ()]))
    assert all("Chest" not in one and "fever" not in one for one in read)
    assert len(read) == len(set(read))


def test_many_texts_together_give_what_each_gives_alone(model):
    texts = ["Told Ms. Anquetil.", "", "Xerxes Pumpernickel visited from Thornbury Grange.", "No fever.", "Told Ms. Anquetil."]
    found = [spans_of(text) for text in texts]
    together = list(model.find_many(texts, found))
    assert together == [list(model.find(text, spans)) for text, spans in zip(texts, found, strict=True)]


def test_another_process_gets_the_same_detector(model):
    text = "Transferred from Thornbury Grange with Szymborska."
    copy = pickle.loads(pickle.dumps(model))
    assert list(copy.find(text)) == list(model.find(text))
    assert copy.version == model.version
    assert copy.version.endswith(" 3.8.0")


def test_towns_stay_where_the_policy_lets_them():
    text = "She moved to Thornbury Grange with Szymborska."
    assert not [span for span in ner.detector("ner", keep_places=True).find(text, ()) if span.kind == "CITY"]


def test_a_word_that_lies_in_a_span_is_no_more_open():
    text = "Szymborska saw Oyelaran."
    assert [word.start for word in open_words(text, (Span(0, 10, "NAME"),))] == [15]


def test_a_line_without_end_is_read_in_parts(model):
    text = "Fjalar Nepomuzek " * 4000
    spans = list(model.find(text, ()))
    assert max(span.end for span in spans) > len(text) - 20
    assert all(0 <= span.start < span.end <= len(text) for span in spans)


@given(st.text(max_size=120) | st.lists(st.sampled_from(["Dr.", "Okonkwo", "St.", "in", "\n", "MN,", "’s", "5", "clinic", "ß", "İ", "Ǆ"]), max_size=14).map(" ".join))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_spans_within_it(model, text):
    for span in model.find(text, spans_of(text)):
        assert 0 <= span.start < span.end <= len(text)
        assert span.kind in KINDS


def test_words_of_medicine_are_plain_and_names_are_not():
    assert all(is_plain(word) for word in ("Bovie", "Nadolol", "Splenomegaly", "Crohn's", "COPD", "Thoracoscopic"))
    assert not any(is_plain(word) for word in ("Szymborska", "Oyelaran", "Okonkwo"))
    assert not {"smith", "joseph", "anna", "garcia"} & closed()


def test_an_unknown_detector_and_a_missing_model_are_told_with_what_to_do(monkeypatch):
    with pytest.raises(Misconfigured):
        ner.detector("nre")
    monkeypatch.setattr(ner, "MODEL", "en_core_web_none")
    with pytest.raises(Missing) as told:
        ner.detector("ner")
    assert "pip install 'bedside[ner]'" in told.value.do


def test_spacy_is_not_loaded_by_the_room():
    code = "import sys, bedside.pillars.text.ner; sys.exit('spacy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_titles_of_diagnoses_and_names_of_drugs_stay(model):
    texts = [one.title for one in diagnoses()[::40]] + [one.ingredient.title() for one in drugs()]
    touched = [text for text, spans in zip(texts, model.find_many(texts, [()] * len(texts)), strict=True) if spans]
    assert len(touched) <= len(texts) / 200


@pytest.mark.skipif(not ASQ.exists(), reason="ASQ-PHI is not here")
def test_queries_of_asq_phi_lose_their_identifiers_and_little_else(model):
    documents = [json.loads(line) for line in ASQ.read_text("utf-8").splitlines()][::4]
    texts = [document["text"] for document in documents]
    found = [spans_of(text) for text in texts]
    full = spans = touched = without = 0
    for document, rules, more in zip(documents, found, model.find_many(texts, found), strict=True):
        taken = {at for span in (*rules, *more) for at in range(span.start, span.end)}
        spans += len(document["spans"])
        full += sum({at for at in range(start, end) if document["text"][at].isalnum()} <= taken for start, end, _ in document["spans"])
        without, touched = without + (not document["spans"]), touched + (not document["spans"] and bool(taken))
    assert full / spans >= 0.95
    assert touched / without <= 0.25
