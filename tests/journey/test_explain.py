"""Whatever a page points at can be explained, by the words that the page gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bedside.dossier.references import Book
from bedside.study.explain import as_text, explain

pytestmark = pytest.mark.xdist_group("journey")


def pointed_at(page: Path) -> list[str]:
    """Every data-figure of a page."""
    return sorted(set(re.findall(r'data-figure="([^"]*)"', page.read_text())))


@pytest.mark.parametrize("name", ["reports/test.html", "dossier/model_card.html", "dossier/premarket_510k.html"])
def test_everything_that_a_page_points_at_is_explained(finished, name):
    names = pointed_at(finished.root / name)
    assert names
    for one in names:
        told = explain(finished.root, one)
        assert told.links, one
        assert as_text(told)


def test_every_reference_of_the_dossiers_text_is_one_that_its_page_points_at(finished):
    for text in (finished.root / "dossier").glob("*.md"):
        printed = set(re.findall(r"\[(L\d+:[^\]\s]+)\]", text.read_text()))
        assert printed == set(pointed_at(text.with_suffix(".html")))


def test_what_a_reference_names_is_what_the_ledger_holds(finished):
    task = next(one for one in pointed_at(finished.root / "dossier" / "model_card.html") if one.endswith("parameters/told/task"))
    told = explain(finished.root, task)
    assert told.held == Book([entry_of(finished, told.links[0].seq)]).fact(told.links[0].step, "parameters", "told", "task")[0]
    assert told.raw


def entry_of(finished, seq: int) -> dict[str, object]:
    import msgspec

    return msgspec.to_builtins(finished.ledger()[seq - 1])
