"""The data-quality page."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from bedside.core.accounts import Tally
from bedside.lake.quality import Broken, CodeUse, Oddity, Quality
from bedside.report.document import MADE
from bedside.report.quality import quality_page

_QUALITY = Quality(
    schema="bedside.quality/1", name="ward & clinic", made=False, events=4000, subjects=12, codes=3, first="2025-01-02T00:00:00Z",
    last="2025-12-02T10:00:00Z", notes=9, images=2, reconciled=True,
    sources=[Tally("ehr", "Observation.ndjson", 100, 90, {"same-record": 5}, {}, {"not-json": 5})], merged_facts={"labs": 7},
    quarantine=[Broken("ehr", "read", "not-json", 5)], problems={"unknown-unit": 3},
    oddities=[Oddity("time", "facts known before they happened", 1, 4000, "plans, or a leak"),
              Oddity("feed", "retracted facts", 0, 4000, "kept, and never used")],
    top=[CodeUse("LOINC//8867-4", "Heart rate", 2000, 12, 2000, 0, {"/min": 2000}, 40, 70, 84, 99, 141, 3),
         CodeUse("NOTE//34746-8", None, 9, 9, 0, 0, {}, None, None, None, None, None, None)],
)  # fmt: skip


@pytest.fixture(scope="module")
def read_page():
    """Parser of pages."""
    return runpy.run_path(str(Path(__file__).with_name("reading.py")))["Page"]


def test_the_page_is_whole_and_counts_what_was_found(read_page):
    page = read_page(quality_page(_QUALITY))
    assert page.wrong == []
    assert "4,000 events of 12 patients in 3 codes" in page.words
    assert "1 of 2 things looked for were found" in page.words
    assert "ward & clinic" in page.words


def test_an_oddity_that_is_rare_is_not_said_to_be_nought(read_page):
    assert "< 0.1 %" in read_page(quality_page(_QUALITY)).words


def test_a_spread_is_drawn_only_where_enough_values_make_one():
    drawn = quality_page(_QUALITY)
    assert drawn.count("99th percentile 141") == 1
    assert "median 84" in drawn


def test_made_data_says_so():
    assert MADE in quality_page(_QUALITY, made=True)


def test_counts_that_do_not_add_up_are_called_a_defect():
    broken = Tally("ehr", "Observation.ndjson", 101, 90, {"same-record": 5}, {}, {"not-json": 5})
    page = quality_page(
        Quality(
            **{name: getattr(_QUALITY, name) for name in Quality.__struct_fields__} | {"sources": [broken], "reconciled": False}
        )
    )
    assert page.count("This is a defect") + page.count("this is a defect") == 2
