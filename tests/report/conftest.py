"""Fixtures of the report's tests."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from bedside.evaluate.evaluation import Evaluation, evaluate

_MAKER = Path(__file__).parents[1] / "evaluate" / "made.py"
_VOID = {"meta", "br", "hr", "link", "img", "col"}


class Page(HTMLParser):
    """A page as its elements: (name, attributes), its words, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words, self._open, self.wrong = "", list[str](), list[str]()
        self.feed(text)
        self.wrong += [f"<{name}> is not closed" for name in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self.words += data

    def values(self, attribute: str) -> list[str]:
        return [str(found[attribute]) for _, found in self.elements if attribute in found]


@pytest.fixture(scope="session")
def read_page() -> Callable[[str], Page]:
    """Parser of pages."""
    return Page


@pytest.fixture(scope="session")
def made() -> Callable[..., pl.DataFrame]:
    """Maker of prediction frames."""
    return runpy.run_path(str(_MAKER))["predictions"]


@pytest.fixture(scope="session")
def evaluation(made: Callable[..., pl.DataFrame]) -> Evaluation:
    """One evaluation of made predictions."""
    return evaluate(made(), thresholds={"alert": 0.2, "urgent": 0.5}, seed=11, patient_days=40.0, resamples=60)
