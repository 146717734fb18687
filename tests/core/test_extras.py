"""What is optional, and what of it is not there, as the package says of itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

import bedside
from bedside.core import extras

DECLARED = tomllib.loads((Path(bedside.__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


def test_every_extra_that_is_declared_is_known_but_the_collections():
    assert set(extras.extras()) == set(DECLARED) - {"all", "test"}


def test_an_extra_brings_what_the_extras_inside_it_bring():
    told = extras.extras()
    assert set(told["risk"]) < set(told["molecules"]) < set(told["gnn"])
    assert "rdkit" in told["molecules"]


def test_a_library_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(extras, "_installed", lambda name: name != "lightgbm")
    assert extras.lacking("risk") == ["lightgbm"]
    assert extras.lacking("serve") == []
    assert extras.lacking("no such extra") == []
