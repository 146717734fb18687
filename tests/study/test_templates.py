"""Every template of `bedside new` is a study without a problem once its raw files are there."""

from __future__ import annotations

import json
import tomllib

import pytest

from bedside.cohort.features import FeatureSet
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
    assert FeatureSet(config.load(root / "study.toml").task.features).names


@pytest.mark.parametrize("task", templates())
def test_a_template_uses_only_keys_that_the_shipped_schema_has(tmp_path, task):
    tree = tomllib.loads((new(tmp_path / "study", task=task).root / "study.toml").read_text())
    whole = json.loads(schema.shipped())
    assert not list(unknown(tree, whole, whole["$defs"]))


def unknown(value, told, definitions):
    """Paths of keys that a JSON Schema of objects and lists does not name."""
    told = definitions[told["$ref"].rpartition("/")[2]] if "$ref" in told else told
    if isinstance(value, list):
        for item in value:
            yield from unknown(item, told.get("items", {}), definitions)
    elif isinstance(value, dict) and "properties" in told:
        for key, inner in value.items():
            if key in told["properties"]:
                yield from (f"{key}.{path}" for path in unknown(inner, told["properties"][key], definitions))
            else:
                yield key
