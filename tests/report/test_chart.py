"""The small SVG writer: round ticks, escaped text, points in their place."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.evaluate.records import Estimate
from bedside.report import words
from bedside.report.chart import Chart, ceiling, ticks
from bedside.report.markup import Markup, element, join


def _chart() -> Chart:
    return Chart("x", "A <title>", "What it shows", x=(0, 2), y=(0, 1), x_label="across", y_label="up", x_say=str, y_say=str)


def test_a_picture_is_well_formed_and_names_itself():
    chart = _chart()
    chart.curve([0, 1, 2], [0, 0.5, 1], "main risk")
    chart.point(1, 0.5, 0.4, 0.6)
    chart.bars([0, 1, 2], [3, 0], "counts")
    root = ET.fromstring(chart.svg())
    assert [root[0].text, root[1].text] == ["A <title>", "What it shows"]


def test_points_stand_where_their_numbers_say():
    chart = _chart()
    (left, bottom), (right, top) = chart.at(0, 0), chart.at(2, 1)
    assert chart.at(1, 0.5) == pytest.approx(((left + right) / 2, (top + bottom) / 2))
    assert top < bottom


@given(st.text())
def test_text_stays_text(said):
    root = ET.fromstring(element("p", "".join(c for c in said if c.isprintable())))
    assert (root.text or "") == "".join(c for c in said if c.isprintable())


@given(st.text(alphabet=st.characters(codec="ascii", min_codepoint=32)))
def test_an_attribute_stays_an_attribute(said):
    assert ET.fromstring(element("p", title=said)).attrib == {"title": said}


def test_markup_is_not_escaped_twice():
    assert join([Markup("<b>"), "<", None, 3]) == "<b>&lt;3"


@given(st.floats(-50, 50), st.floats(1e-4, 100))
def test_ticks_are_few_and_within(low, wide):
    marks = ticks(low, low + wide)
    assert 1 <= len(marks) <= 12
    assert all(low - 1e-6 * wide - 1e-9 <= mark <= low + wide * (1 + 1e-4) for mark in marks)


@given(st.floats(0.001, 1000))
def test_a_ceiling_is_above_and_not_far(number):
    assert number * 0.999 <= ceiling(number) <= max(0.01, 2 * number)


def test_a_number_is_said_with_its_interval_and_n():
    estimate = Estimate(0.5, 0.4, 0.6, 1200, "x")
    assert words.in_words(estimate, "percent", 0.95) == "50.0 % (95 % interval 40.0 to 60.0 %; n = 1,200)"
    assert words.with_interval(Estimate(None, None, None, 3, "not estimable")) == words.NOTHING
    assert words.excludes(estimate, 0.7)
    assert not words.excludes(estimate, 0.5)
