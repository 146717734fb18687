"""A sample is drawn by its seed, a bound is exact, a page shows no more than it may, and verdicts become a rate."""

from __future__ import annotations

import json
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed, Refused, Unusable
from bedside.deidentify.replace import Replacing, replaced
from bedside.deidentify.review import Sample, bound, draw, judge, placed
from bedside.deidentify.spans import Span
from bedside.report.review import page
from bedside.study.review import figures, write

SAMPLE = Sample("N1", "seen by [NAME] <today>", [Span(8, 14, "NAME")], "notes")
WITH_PHI = Sample("N1", "seen by [NAME] today", [Span(8, 14, "NAME")], "notes", "seen by Zebulon today", [Span(8, 15, "NAME")])


def verdicts(*texts, schema="bedside.review-verdicts/1"):
    told = [{"id": f"N{at}", "judged": True, "leaks": leaks, "over": over, "replaced": 5} for at, (leaks, over) in enumerate(texts)]
    return json.dumps({"schema": schema, "policy": "safe-harbor", "digest": "d", "texts": told}).encode()


def test_no_leak_in_200_texts_is_at_most_one_and_a_half_percent():
    assert bound(0, 200).said("texts") == "0 of 200 texts: at most 1.5 % (one-sided 95 %)"
    assert bound(0, 200).upper == pytest.approx(1 - 0.05 ** (1 / 200))


@pytest.mark.parametrize(("leaks", "n", "upper"), [(1, 10, 0.3942), (0, 10, 0.2589), (5, 100, 0.1023), (10, 10, 1.0)])
def test_bounds_are_those_of_the_tables(
    leaks, n, upper
):  # Clopper-Pearson by the beta quantile: scipy beta.ppf(.95, leaks + 1, n - leaks)
    assert bound(leaks, n).upper == pytest.approx(upper, abs=5e-5)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))), st.sampled_from([0.9, 0.95, 0.99]))
def test_at_the_bound_so_few_leaks_have_the_chance_that_the_level_leaves(case, level):
    n, leaks = case
    p = bound(leaks, n, level).upper
    assert sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(leaks + 1)) == pytest.approx(1 - level, rel=1e-6)


def test_a_bound_of_nothing_is_refused():
    with pytest.raises(Unusable):
        bound(0, 0)


@given(st.integers(0, 200), st.integers(1, 50), st.integers(0, 9))
def test_a_sample_is_without_repeats_and_the_same_for_the_same_seed(size, n, seed):
    items = list(range(size))
    drawn = draw(items, n, seed)
    assert drawn == draw(items, n, seed) == sorted(set(drawn))
    assert len(drawn) == min(n, size)


@given(st.lists(st.sampled_from("aaaab"), min_size=5, max_size=80), st.integers(3, 40))
def test_a_stratified_sample_has_every_group_and_the_asked_size(groups, n):
    items = list(enumerate(groups))
    drawn = draw(items, n, 1, stratum=lambda one: one[1])
    assert len(drawn) == min(n, len(items))
    assert {group for _, group in drawn} == set(groups)


@given(
    st.lists(st.tuples(st.sampled_from(["Ann Smith", "555-0134", "May"]), st.text("abc ", min_size=1, max_size=6)), max_size=5),
    st.text("xyz ", max_size=5),
)
def test_replacements_are_found_again_in_the_scrubbed_text(parts, head):
    text, spans = head, []
    for said, kept in parts:
        spans.append(Span(len(text), len(text) + len(said), "NAME"))
        text += said + "|" + kept + "|"
    result = replaced(text, spans, Replacing(None, None, 2000)).text
    assert [result[one.start : one.end] for one in placed(text, spans, result)] == ["[NAME]"] * len(spans)


def test_the_page_marks_what_was_replaced_escapes_the_text_and_fetches_nothing():
    told = page([SAMPLE], title="Notes", policy="safe-harbor", digest="abc")
    assert '<mark data-kind="NAME" title="NAME">[NAME]</mark> &lt;today&gt;' in told
    assert "default-src &#x27;none&#x27;; script-src &#x27;sha256-" in told
    assert "src=" not in told
    assert "Original" not in told


def test_original_text_is_shown_only_when_the_sample_holds_it_and_never_inside_a_study(tmp_path):
    write(tmp_path / "r.html", [WITH_PHI], title="t", policy="p", digest="d")
    assert "Zebulon" in (tmp_path / "r.html").read_text()
    assert (tmp_path / "r.html").stat().st_mode & 0o777 == 0o600
    study = tmp_path / "study"
    (study / "reports").mkdir(parents=True)
    (study / "study.toml").write_text("")
    with pytest.raises(Refused) as caught:
        write(study / "reports" / "r.html", [WITH_PHI], title="t", policy="p", digest="d")
    assert "Zebulon" not in str(caught.value)
    assert list((study / "reports").iterdir()) == []
    write(study / "reports" / "r.html", [SAMPLE], title="t", policy="p", digest="d")


def test_verdicts_become_rates_per_text_and_per_identifier():
    found = judge(verdicts((0, 0), (2, 0), (0, 1)))
    assert (found.texts.leaks, found.texts.n, found.leaking) == (1, 3, 1)
    assert (found.identifiers.leaks, found.identifiers.n) == (2, 17)
    assert found.over_redacted.leaks == 1
    assert figures(found)["leak_rate_upper"] == round(bound(1, 3).upper, 6)
    assert "1 of 3 texts: at most" in found.lines()[0]


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", verdicts((0, 0), schema="x/1"), verdicts((-1, 0)), b"\xff"])
def test_what_is_no_file_of_verdicts_is_refused(data):
    with pytest.raises(Malformed):
        judge(data)
