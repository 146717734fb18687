"""The examples in the documentation are true."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("journey")
DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_python_page_runs_as_printed(finished):
    parser = doctest.DocTestParser()
    example = parser.get_doctest((DOCS / "python.md").read_text(), {"folder": finished.root}, "docs/python.md", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(example)
    assert runner.summarize().failed == 0
