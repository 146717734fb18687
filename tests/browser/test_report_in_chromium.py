"""The report and its sister pages as people meet them: in a browser, on a desk, on a phone, by keyboard, in the dark."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.evaluate.evaluation import evaluate
from bedside.report.page import test_report as drawn_report

HERE = Path(__file__)
_DRIVER = runpy.run_path(str(HERE.with_name("chromium.py")))
_THERE = _DRIVER["executable"]() is not None
WIDTHS = (390, 1200)

pytestmark = pytest.mark.skipif(
    not _THERE and not os.environ.get("CI"), reason="chromium is not installed: scripts/debian-packages installs it"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a report of made predictions with everything that a report can hold."""
    rows = runpy.run_path(str(HERE.parents[1] / "evaluate" / "made.py"))["predictions"](subjects=60, folds=2)
    lines = {"alert": {"fold-0": 0.2, "fold-1": 0.25}}
    found = evaluate(rows, thresholds={}, fold_thresholds=lines, resamples=40, patient_days=30.0)
    file = tmp_path_factory.mktemp("report") / "test.html"
    tally = {"source": "fhir", "file": "a", "read": 9, "written": 7, "merged": 1, "ignored": 1, "quarantined": 0}
    told = drawn_report(
        title="made", study={}, evaluation=found, counts=[tally], stages=[("events", 7)], ledger_head={"size": 3, "root": "f" * 64},
        made=True, next_commands=["bedside verify ."], leakage={"copies": 0, "subjects": 60},
    )  # fmt: skip
    file.write_text(told, encoding="utf-8")
    return file.as_uri()


@pytest.fixture(scope="module")
def page() -> Iterator[object]:
    assert _THERE, "CI must have chromium: scripts/debian-packages installs it"
    with _DRIVER["browser"]() as made:
        yield made


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_quiet_and_asks_the_network_for_nothing(page, report, width):
    page.said.clear()
    page.asked.clear()
    page.open(report, width=width)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.said == []
    assert set(page.asked) == {report}


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_never_scrolls_sideways_even_with_every_part_open(page, report, width):
    page.open(report, width=width)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_no_table_or_picture_is_cut_without_a_way_to_scroll_to_it(page, report, width):
    page.open(report, width=width)
    cut = page.evaluate(
        "[...document.querySelectorAll('table, svg, dl, pre')].filter(one => !one.closest('.scroll, pre') && "
        f"one.getBoundingClientRect().right > {width} + 1).map(one => one.outerHTML.slice(0, 80))"
    )
    assert cut == []


def test_every_picture_tells_a_screen_reader_what_it_shows(page, report):
    page.open(report, width=1200)
    names = page.accessible("image") or page.accessible("img")
    assert len(names) == page.evaluate("document.querySelectorAll('svg[role=img]').length") > 10
    assert all(name.strip() for name in names)


def test_every_figure_has_a_caption_and_its_numbers_behind_it(page, report):
    page.open(report, width=1200)
    assert page.evaluate("document.querySelectorAll('figure').length") >= 4
    assert page.evaluate(
        "[...document.querySelectorAll('figure')].every(one => one.querySelector('figcaption') && one.querySelector('table'))"
    )


def test_every_column_and_row_has_a_heading(page, report):
    page.open(report, width=1200)
    assert page.evaluate("[...document.querySelectorAll('thead th')].filter(one => !one.textContent.trim()).length") == 0


def test_every_link_within_the_page_leads_somewhere(page, report):
    page.open(report, width=1200)
    assert page.evaluate("document.querySelectorAll('a[href^=\"#\"]').length") > 5
    assert (
        page.evaluate(
            "[...document.querySelectorAll('a[href^=\"#\"]')].filter(one => !document.getElementById(one.hash.slice(1))).length"
        )
        == 0
    )


def test_the_numbers_behind_a_figure_open_by_keyboard(page, report):
    page.open(report, width=1200)
    page.evaluate("document.querySelector('figure summary').focus()")
    page.press("Enter", 13, "\r")
    assert page.evaluate("document.querySelector('figure details').open") is True


def test_in_the_dark_the_text_is_light_and_on_paper_it_is_black(page, report):
    ink = "getComputedStyle(document.documentElement).color"
    page.open(report, width=1200, dark=True)
    assert page.evaluate(ink) == "rgb(230, 232, 230)"
    page.open(report, width=1200, dark=True, media="print")
    assert page.evaluate(ink) == "rgb(0, 0, 0)"


def test_a_table_wider_than_a_phone_can_be_reached_and_scrolled_by_keyboard(page, report):
    page.open(report, width=390)
    page.evaluate("[...document.querySelectorAll('.scroll')].find(one => one.scrollWidth > one.clientWidth + 40).focus()")
    page.press("ArrowRight", 39)
    moved = "new Promise(told => setTimeout(() => told(document.activeElement.scrollLeft), 400))"
    assert page.evaluate(moved) > 0
