"""The review page in a browser: a reviewer works by keyboard alone, nothing is fetched, and the verdicts that leave hold no text."""

from __future__ import annotations

import json
import os
import runpy
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.deidentify.review import Sample, judge
from bedside.deidentify.spans import Span
from bedside.report.review import page as drawn

_DRIVER = runpy.run_path(str(Path(__file__).with_name("chromium.py")))
_THERE = _DRIVER["executable"]() is not None
pytestmark = pytest.mark.skipif(
    not _THERE and not os.environ.get("CI"), reason="chromium is not installed: scripts/debian-packages installs it"
)


@pytest.fixture(scope="module")
def page() -> Iterator[object]:
    with _DRIVER["browser"]() as made:
        yield made


@pytest.fixture
def address(tmp_path: Path) -> str:
    texts = [Sample(f"N{at}", f"seen by [NAME] on visit {at}", [Span(8, 14, "NAME")]) for at in range(3)]
    file = tmp_path / "review.html"
    file.write_text(drawn(texts, title="Notes", policy="safe-harbor", digest=tmp_path.name), encoding="utf-8")
    return file.as_uri()


def test_a_reviewer_marks_by_keyboard_and_the_export_says_what_was_marked(page, address):
    page.said.clear()
    page.asked.clear()
    page.open(address, width=1200)
    for key, code in (("c", 67), ("j", 74), ("l", 76), ("l", 76), ("j", 74), ("o", 79)):
        page.press(key, code, key)
    told = page.evaluate("window.bedsideVerdicts()")
    assert [(one["id"], one["leaks"], one["over"]) for one in json.loads(told)["texts"]] == [
        ("N0", 0, 0),
        ("N1", 2, 0),
        ("N2", 0, 1),
    ]
    assert "seen by" not in told
    assert judge(told.encode()).texts.leaks == 1
    assert page.evaluate("document.getElementById('progress').textContent") == "3 of 3 texts judged, 1 with a leak"
    assert page.said == []
    assert set(page.asked) == {address}


def test_what_was_marked_is_still_there_when_the_page_is_opened_again_and_buttons_have_names(page, address):
    page.open(address, width=390)
    page.evaluate("document.querySelector('[data-do=leak]').click()")
    leaks = 0
    for _ in range(50):  # what a page stores reaches another process of the browser a little later
        page.open(address, width=390)
        leaks = json.loads(page.evaluate("window.bedsideVerdicts()"))["texts"][0]["leaks"]
        if leaks:
            break
        time.sleep(0.1)
    assert leaks == 1
    assert {"Clean", "Leak", "Over-redaction", "One leak less", "Save verdicts"} <= set(page.accessible("button"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
