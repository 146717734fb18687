"""The text pillar on made notes: a tagger of problems and drugs, from annotated notes to its test. No note in it is of a real person.

Out       raw/notes (one file a note), raw/tables (annotations.csv), study.toml; among them a PDF that calls itself a note, an empty
          note, and an annotation beyond the end of its note, so that the counts show what becomes of such things
"""

from __future__ import annotations

import random
from pathlib import Path

from bedside.bundle.runners.text_spans import Span
from bedside.pillars.text.corpus.document import Document
from bedside.pillars.text.corpus.document import write as write_raw

STUDY = """# Made notes about made people. What a tagger learns here says nothing about real notes.
schema = "bedside.study/1"
name = "made-notes"
seed = {seed}
made = true
timezone = "UTC"

[[source]]
name = "notes"
format = "notes"
path = "raw/notes"

[[source]]
name = "annotations"
format = "tables"
path = "raw/tables"
mapping = "annotated-notes"

[deidentify]
policy = "as-received"
attestation = "made notes: no real person is in them"

[task]
kind = "note"
name = "problems-and-drugs"
asks = [{{ name = "problem", kind = "found" }}, {{ name = "drug", kind = "found" }}]

[task.split]
by = "subject"
test_fraction = 0.3
tune_fraction = 0.2

[model]
kind = "crf"
iterations = 60
folds = 3

[claims]
intended_use = "A demonstration on made notes; not for use on patients"
"""
_PROBLEMS = (
    "chest pain", "shortness of breath", "atrial fibrillation", "heart failure", "type 2 diabetes", "hypertension",
    "pneumonia", "cough", "fever", "nausea", "acute kidney injury", "urinary tract infection", "COPD", "asthma", "anemia",
    "back pain", "dizziness", "syncope", "leg swelling", "cellulitis", "stroke", "seizure", "headache", "gout", "GERD",
    "hypothyroidism", "depression", "hip fracture", "deep vein thrombosis", "chronic kidney disease",
)  # fmt: skip
_DRUGS = (
    "metoprolol", "lisinopril", "furosemide", "apixaban", "metformin", "atorvastatin", "aspirin", "amlodipine", "prednisone",
    "albuterol", "ceftriaxone", "warfarin", "insulin glargine", "levothyroxine", "omeprazole", "gabapentin", "sertraline",
    "acetaminophen", "spironolactone", "tamsulosin",
)  # fmt: skip
_DOSES = ("5 mg", "10 mg", "20 mg", "40 mg", "2 puffs", "1 g", "12 units")
_WAYS = ("daily", "BID", "q8h", "at bedtime", "PO daily", "IV q24h", "prn")
_LINES = (
    "Presents with {problem} and {problem} for three days.",
    "Denies {problem}, {problem} or {problem}.",
    "No {problem} today.",
    "PMH: {problem}, {problem}.",
    "Hx of {problem}, on {drug}.",
    "Assessment: {problem}, improving on {drug} {dose} {way}.",
    "# {problem} - cont {drug} {dose} {way}",
    "Started {drug} {dose} {way} for {problem}.",
    "Stop {drug}. Increase {drug} to {dose}.",
    "Meds: {drug} {dose} {way}; {drug} {dose} {way}; {drug} {dose} {way}",
    "Mother had {problem}.",
    "Vitals stable, afebrile, tolerating diet.",
    "Return if {problem} or {problem}.",
    "Plan discussed with the family, PT and OT to see.",
    "Labs pending. ECG unchanged from prior.",
)
_PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj << /Type /Catalog >> endobj\n"


def write(out: Path, *, seed: int = 1) -> None:
    """Write the raw files and study.toml under `out`; the same seed gives the same bytes."""
    draw = random.Random(seed)
    documents = [_note(draw, f"made-{patient:03d}-{turn}", f"made-{patient:03d}") for patient in range(1, 46) for turn in range(1, 3)]
    write_raw(documents, out / "raw", kind="Progress note")
    (out / "raw" / "notes" / "scan.txt").write_bytes(_PDF)
    (out / "raw" / "notes" / "empty.txt").write_bytes(b"Patient-ID: made-001\nNote-ID: made-empty\nDate: 2000-01-01T00:00:00Z\nType: Progress note\n\n\n")
    with (out / "raw" / "tables" / "annotations.csv").open("a", encoding="utf-8") as table:
        table.write("made-001,made-001-1,problem,90000,90005,cough\n")
    (out / "study.toml").write_text(STUDY.format(seed=seed), encoding="utf-8")


def _note(draw: random.Random, name: str, subject: str) -> Document:
    """A note of six to ten lines, with the spans of what was put into them."""
    text, spans = "", list[Span]()
    for line in draw.sample(_LINES, draw.randint(6, 10)):
        for piece in line.replace("}", "{").split("{"):
            said = _filled(draw, piece)
            if piece in ("problem", "drug"):
                spans.append(Span(len(text), len(text) + len(said), piece))
            text += said
        text += "\n"
    return Document(name, text, spans, subject=subject)


def _filled(draw: random.Random, piece: str) -> str:
    lists = {"problem": _PROBLEMS, "drug": _DRUGS, "dose": _DOSES, "way": _WAYS}
    if piece not in lists:
        return piece
    said = draw.choice(lists[piece])
    if piece in ("problem", "drug") and draw.random() < 0.15:
        return _mistyped(draw, said)
    return said.capitalize() if draw.random() < 0.2 else said


def _mistyped(draw: random.Random, word: str) -> str:
    """The word with one letter left out, as people type."""
    places = [i for i, letter in enumerate(word) if letter.isalpha() and 0 < i < len(word) - 1]
    at = draw.choice(places)
    return word[:at] + word[at + 1 :]
