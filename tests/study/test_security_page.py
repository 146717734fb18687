"""SECURITY.md: every standard of 45 CFR 164.312 is in its table, met by a test that exists or left to the hospital in words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STANDARDS = ["(a)(1)", "(a)(2)(i)", "(a)(2)(ii)", "(a)(2)(iii)", "(a)(2)(iv)", "(b)", "(c)(1)", "(c)(2)", "(d)", "(e)(1)", "(e)(2)(i)", "(e)(2)(ii)"]


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(page: str) -> dict[str, list[str]]:
    """Cells of the table, by standard."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| (")]
    return {row[0]: row[1:] for row in cells}


def named(text: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)


def test_every_standard_of_164_312_has_its_row(rows):
    assert list(rows) == STANDARDS
    assert all(len(row) == 4 for row in rows.values())


def test_every_row_is_shown_by_a_test_or_says_that_bedside_does_nothing(rows):
    for standard, (_, bedside, shown, hospital) in rows.items():
        assert named(shown) or bedside.startswith("nothing"), standard
        assert hospital, standard


def test_every_test_that_the_page_names_exists(page):
    told = named(page)
    assert len(told) >= 20
    for file, test in told:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{test}"


def test_every_verb_that_the_page_names_exists(page):
    from bedside.cli.group import VERBS
    from bedside.cli.keyring import VERBS as OF_A_KEYRING

    for verb, inner in re.findall(r"`bedside (\w+)(?: ([a-z]+)[` ])?", page):
        assert verb in VERBS, verb
        assert verb != "keyring" or not inner or inner in OF_A_KEYRING, inner
