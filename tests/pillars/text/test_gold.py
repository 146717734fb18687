"""The gold set is what it says: sixty made notes, every annotation on the very words that it names."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

GOLD = Path(__file__).parent / "gold"
NOTES = sorted(GOLD.glob("*.json"))
TYPES = {"medication", "lab", "problem", "site", "histology", "grade", "tnm", "margin", "nodes", "biomarker"}
ASSERTIONS = {"negated", "uncertain", "historical", "hypothetical", "other"}
PARTS = {"medication": {"dose", "route", "frequency"}, "lab": {"value", "unit"}, "biomarker": {"value"}}


def told(path: Path) -> tuple[dict, str]:
    return json.loads(path.read_text()), path.with_suffix(".txt").read_bytes().decode()


def test_there_are_sixty_notes_ten_of_each_style_half_of_them_for_development():
    records = [told(path)[0] for path in NOTES]
    styles = [record["note"].split("-", 1)[1] for record in records]
    assert sorted(styles.count(style) for style in set(styles)) == [10] * 6
    assert [record["part"] for record in records].count("development") == 30
    assert {record["made"] for record in records} == {"made text, no real person"}


@pytest.mark.parametrize("path", NOTES, ids=lambda path: path.stem)
def test_every_annotation_stands_on_the_words_that_it_names(path):
    record, text = told(path)
    for thing in record["entities"]:
        for span in (thing, *thing.get("attributes", [])):
            assert text[span["start"] : span["end"]] == span["text"] == span["text"].strip()


@pytest.mark.parametrize("path", NOTES, ids=lambda path: path.stem)
def test_annotations_keep_their_vocabulary_and_do_not_overlap(path):
    record, _ = told(path)
    things = record["entities"]
    assert {thing["type"] for thing in things} <= set(record["annotated"]) <= TYPES
    assert all(left["end"] <= right["start"] for left, right in itertools.pairwise(things))
    for thing in things:
        assert set(thing.get("assertion", [])) <= ASSERTIONS
        assert {part["name"] for part in thing.get("attributes", [])} <= PARTS.get(thing["type"], set())
        assert thing["type"] != "lab" or thing["attributes"], "a lab without a value is no lab"
