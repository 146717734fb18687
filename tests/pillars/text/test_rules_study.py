"""[text] extract in study.toml: raw notes to facts in the lake, through de-identification, with a person's own words, and verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside import Study
from bedside.core.errors import Misconfigured
from bedside.lake.store import Lake
from bedside.study.new import new

WORDS = "term,code,kind\nwater tablets,LOCAL//diuretic,medication\n"
SOURCE = '[[source]]\nname = "notes"\nformat = "notes"\npath = "raw"\n'


def study_of(root: Path, *, text: str) -> Path:
    """The deterioration template over two notes and a PDF, its sources replaced."""
    new(root)
    (root / "raw").mkdir()
    for number, body in enumerate(("No chest pain. Heart failure. Takes water tablets. K 3.1.", "Denies fever. Asthma. Seen by Dr. Ann Miller.")):
        head = f"Patient-ID: 4711{number}\nDate: 2026-03-0{number + 1}T10:00:00-05:00\nType: Progress note\n\n"
        (root / "raw" / f"{number}.txt").write_text(head + body + "\n", encoding="utf-8")
    (root / "raw" / "9.txt").write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3")
    (root.parent / "words.csv").write_text(WORDS, encoding="utf-8")
    told = (root / "study.toml").read_text(encoding="utf-8")
    first, rest = told.index("[[source]]"), told.index("[deidentify]")
    (root / "study.toml").write_text(f"{told[:first]}{SOURCE}\n{text}\n{told[rest:]}", encoding="utf-8")
    return root


@pytest.mark.slow
def test_a_study_reads_its_notes_for_facts_when_it_says_so(tmp_path: Path) -> None:
    root = study_of(tmp_path / "s", text='[text]\nextract = true\nterminologies = ["../words.csv"]\n')
    study = Study(root)
    study.run(["deidentify", "read"], quiet=True)
    lake = Lake(root / "lake")
    codes = set(lake.facts()["code"])
    assert {"ICD10CM//R07.9//negated", "ICD10CM//I50.9//noted", "LOCAL//diuretic//noted", "LOINC//2823-3//noted", "ICD10CM//R50.9//negated"} <= codes
    assert "Miller" not in "".join(lake.notes()["text"])
    counts = next(entry.receipt for entry in reversed(study.ledger()) if entry.receipt.step == "read")
    assert counts.counts["note_facts"] == lake.facts().height > 0
    assert any(item.name.startswith("terminology:words.csv") for item in counts.inputs)
    assert lake.quarantine()["reason"].to_list() == ["note is a PDF: it is not plain text"]
    assert study.verify().ok


@pytest.mark.slow
def test_a_terminology_stays_outside_the_folder_that_is_handed_on(tmp_path: Path) -> None:
    root = study_of(tmp_path / "s", text='[text]\nextract = true\nterminologies = ["raw/words.csv"]\n')
    with pytest.raises(Misconfigured, match="inside the study folder"):
        Study(root).run(["deidentify", "read"], quiet=True)


@pytest.mark.slow
def test_a_study_that_does_not_ask_keeps_its_notes_as_they_are(tmp_path: Path) -> None:
    root = study_of(tmp_path / "s", text="")
    Study(root).run(["deidentify", "read"], quiet=True)
    assert (Lake(root / "lake").facts().height, Lake(root / "lake").notes().height) == (0, 2)
