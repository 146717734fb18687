"""study.toml of every kind of task: nonsense is told in words before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bedside.cli.group import bedside
from bedside.core.errors import Misconfigured
from bedside.study.config import load, problems
from bedside.study.new import new

KINDS = ["notes", "molecules", "segmentation", "trial-outcome", "target-success"]


@pytest.fixture(params=KINDS)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = new(tmp_path / "study", task=request.param).root
    for name in ("raw/one.csv", "raw/notes/one.txt", "raw/tables/one.csv", "raw/images/one.dcm"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def told(root: Path, old: str, new_: str) -> list[str]:
    text = (root / "study.toml").read_text()
    assert old in text
    return [problem.text() for problem in problems(text.replace(old, new_), root)]


def test_a_template_is_in_order(root):
    assert problems((root / "study.toml").read_text(), root) == []


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_setting_that_is_no_finite_number_is_told_with_its_key(root, number):
    text = (root / "study.toml").read_text()
    text += "" if "[model]" in text else "\n[model]\n"
    found = [problem.text() for problem in problems(text + f"wild = {{ deep = [1.0, {number}] }}\n", root)]
    assert any("model.wild.deep[1]: is not a finite number" in one for one in found)


def test_a_test_split_that_would_be_empty_is_told(root):
    share = next(line for line in (root / "study.toml").read_text().splitlines() if line.startswith("test_fraction"))
    assert any("leaves nobody to test on" in one for one in told(root, share, "test_fraction = 0.0"))


def test_a_kind_that_is_none_says_which_there_are(root):
    kind = next(line for line in (root / "study.toml").read_text().splitlines() if line.startswith("kind = "))
    assert any("choose from 'image', 'molecule', 'note', 'risk', 'target', 'trial'" in one for one in told(root, kind, 'kind = "image-of-a-note"'))


def test_bedside_check_says_it_too(root):
    path = root / "study.toml"
    path.write_text(path.read_text() + "\nunheard_of = 3\n")
    with pytest.raises(Misconfigured, match="unheard_of"):
        load(path)
    result = CliRunner().invoke(bedside, ["check", str(root)])
    assert result.exit_code != 0
