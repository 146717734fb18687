"""Every template of `bedside new` is a study without a problem once its raw files are there."""

from __future__ import annotations

import json
import tomllib

import pytest
from jsonschema import Draft202012Validator

from bedside.cohort.features import FeatureSet
from bedside.core.task import Task
from bedside.study import config, schema
from bedside.study.new import new, templates


@pytest.mark.parametrize("task", templates())
def test_a_template_has_no_problem_but_that_the_raw_files_are_not_there_yet(tmp_path, task):
    root = new(tmp_path / "study", task=task).root
    text = (root / "study.toml").read_text()
    assert {problem.key.rpartition(".")[2] for problem in config.problems(text, root)} == {"path"}
    for source in tomllib.loads(text)["source"]:
        (root / source["path"]).mkdir(parents=True, exist_ok=True)
        (root / source["path"] / "one").touch()
    assert config.problems(text, root) == []
    task_ = config.load(root / "study.toml").task
    assert FeatureSet(task_.features).names if isinstance(task_, Task) else task_.targets


@pytest.mark.parametrize("task", templates())
def test_a_template_is_valid_under_the_shipped_schema(tmp_path, task):
    tree = tomllib.loads((new(tmp_path / "study", task=task).root / "study.toml").read_text())
    check = Draft202012Validator(json.loads(schema.shipped()))
    assert [error.json_path for error in check.iter_errors(tree)] == []
    assert not check.is_valid(tree | {"tasks": tree["task"]})
