"""One made hospital, run once, for every test of the whole path. Copies of it are cheap; runs are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bedside import Study
from bedside.study.demo import demo

PATIENTS = 80


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Study:
    """A finished demo study. Read it; copy it before you change it."""
    study, _ = demo(tmp_path_factory.mktemp("journey") / "demo", patients=PATIENTS, quiet=True)
    return study


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """A private copy of the finished study and its keyring."""
    return duplicate(finished.root, tmp_path / "copy")


def duplicate(root: Path, to: Path) -> Path:
    shutil.copytree(root, to)
    for suffix in (".keyring", ".keyring.map"):
        shutil.copy2(root.with_name(root.name + suffix), to.with_name(to.name + suffix))
    text = (to / "study.toml").read_text()
    assert f"{root.name}.keyring" not in text or root.name == to.name, "the demo's keyring is found beside the folder, not by name"
    return to
