"""The CRF: words keep their places, the same notes give the same bytes, and a sealed one needs nothing of the pillar."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.bundle.runners.crf import Crf, Dictionary
from bedside.bundle.runners.crf_dictionary import Phrases, normal, short_forms
from bedside.bundle.runners.crf_features import Note, features
from bedside.bundle.runners.crf_labels import chunks, labels_of
from bedside.bundle.runners.crf_words import sentences, words
from bedside.bundle.runners.text_spans import Span, apart
from bedside.core.errors import Malformed, Misconfigured, Unusable
from bedside.pillars.text.options import CrfOptions, options
from bedside.pillars.text.tagger.crf import Lesson, dictionary, fit

pytest.importorskip("pycrfsuite")
DRUGS = ("metoprolol", "lisinopril", "furosemide", "apixaban", "metformin", "warfarin", "insulin glargine", "amlodipine")
PROBLEMS = ("chest pain", "atrial fibrillation", "heart failure", "gout", "acute kidney injury", "asthma")


def lesson(drug: str, problem: str) -> Lesson:
    text = f"Seen for {problem}. Continue {drug} 5 mg daily.\nDenies {problem}."
    spans = [Span(found, found + len(word), kind) for word, kind in ((drug, "drug"), (problem, "problem"))
             for found in range(len(text)) if text.startswith(word, found)]  # fmt: skip
    return Lesson(text, sorted(spans))


LESSONS = [lesson(drug, problem) for drug in DRUGS[:-1] for problem in PROBLEMS[:-1]]
QUICK = CrfOptions(iterations=40, folds=2)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return fit(LESSONS, QUICK)


@given(st.text(max_size=200))
def test_words_keep_their_places_and_leave_out_only_white_space(text):
    found = words(text)
    assert all(text[word.start : word.end] == word.text for word in found)
    assert "".join(word.text for word in found) == "".join(text.split())
    assert [word for sentence in sentences(text) for word in sentence] == found


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 4), st.sampled_from("ab")), max_size=5))
def test_labels_and_spans_say_the_same(told):
    text = "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 wa wb wc"
    sentence = words(text)
    spans = apart(Span(sentence[first].start, sentence[min(first + length, 13) - 1].end, kind) for first, length, kind in told)
    back = [(sentence[a].start, sentence[b - 1].end, kind) for a, b, kind in chunks(labels_of(sentence, [span[:3] for span in spans]))]
    assert back == [span[:3] for span in spans]


def test_a_name_that_was_never_seen_is_found_by_what_stands_around_it(files):
    unseen = lesson(DRUGS[-1], PROBLEMS[-1])
    found = Crf(files, where="test").tag(unseen.text)
    assert [(span.start, span.end, span.kind) for span in found] == [span[:3] for span in unseen.spans]
    assert all(0 < span.score <= 1 for span in found)
    assert Dictionary(files, where="test").tag(unseen.text) == []


def test_the_same_notes_give_the_same_bytes(files):
    assert fit(LESSONS, QUICK) == files


def test_a_sealed_crf_opens_without_the_pillar(files, tmp_path):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    code = ("import sys, pathlib\nfrom bedside.bundle.runners.crf import Crf\n"
            "files = {p.name: p.read_bytes() for p in pathlib.Path(sys.argv[1]).iterdir()}\n"
            "print(len(Crf(files, where='x').tag('Denies gout. Continue warfarin 5 mg daily.')), any(m.startswith('bedside.pillars') for m in sys.modules))")  # fmt: skip
    told = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["2", "False"]


@pytest.mark.parametrize("name", ["crf.json", "phrases.json", "pass-1.crfsuite", "pass-2.crfsuite"])
def test_a_file_that_is_no_model_is_malformed_and_never_reaches_the_library(files, name):
    with pytest.raises(Malformed):
        Crf({**files, name: b"\x80\x04pickled"}, where="test")
    with pytest.raises(Malformed):
        Crf({other: data for other, data in files.items() if other != name}, where="test")


@pytest.mark.parametrize("text", ["", " \n", "\x00\ufeff", "é" * 3000, "((((", "a\r\n\r\nb", "(DM) (", "x ()"])
def test_no_text_makes_it_raise(files, text):
    assert isinstance(Crf(files, where="test").tag(text), list)


def test_a_dictionary_leaves_out_what_is_mostly_not_annotated():
    lessons = [Lesson("gout", [Span(0, 4, "problem")]), *[Lesson("gout", [])] * 3, Lesson("asthma", [Span(0, 6, "problem")])]
    assert dictionary(lessons).kinds == {"asthma": "problem"}


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("chronic kidney disease (CKD)", "CKD", "chronic kidney disease"),
        ("myotonic dystrophy (DM)", "DM", "myotonic dystrophy"),
        ("of von Hippel-Lindau disease (VHL)", "VHL", "von hippel - lindau disease"),
        ("the adenomatous polyposis coli (APC) gene", "APC", "adenomatous polyposis coli"),
    ],
)
def test_a_short_form_in_brackets_has_its_long_form(text, short, long):
    found = words(text)
    first, last = short_forms(found)[short]
    assert normal(found[first:last]) == long


def test_a_bracket_that_spells_nothing_is_no_short_form():
    assert short_forms(words("seen today (AB) and (see 3) in June (10)")) == {}


def test_the_second_pass_reads_what_was_said_elsewhere_in_the_note():
    note = Note.of(list(sentences("Gout. Gout.")))
    rows = features(note, Phrases({}, 0), [["B-problem", "O"], ["O", "O"]])
    assert "else:all:B-problem" in rows[1][0]
    assert "else:none:O" in rows[0][0]


def test_too_few_annotated_notes_are_told_and_bad_options_named():
    with pytest.raises(Unusable, match="only 1 development notes"):
        fit([LESSONS[0], Lesson("Nothing.", [])], QUICK)
    with pytest.raises(Misconfigured, match=r"(?s)passes is 1 or 2.*|.*folds"):
        options({"kind": "crf", "passes": 3, "folds": 1})
    with pytest.raises(Misconfigured):
        options({"kind": "oracle"})
