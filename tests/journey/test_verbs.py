"""Every verb on a finished study: the next commands for people, one object for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.journey import own_hospital

from bedside import Study
from bedside.cli.group import bedside

pytestmark = [pytest.mark.xdist_group("own"), pytest.mark.slow]
VERBS = {
    **{verb: [verb, "{}"] for verb in ("run", "deidentify", "read", "check", "cohort", "train", "test", "dossier", "verify", "doctor")},
    "explain": ["explain", "{}", "test/risk/auroc"],
    "explain --list": ["explain", "{}", "--list"],
    "sql": ["sql", "{}", "select code, time from events"],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = Study(own_hospital.csv_study(tmp_path_factory.mktemp("verbs") / "ours"))
    study.run(quiet=True)
    return study.root


@pytest.mark.parametrize("words", VERBS.values(), ids=VERBS)
def test_a_verb_ends_with_the_next_commands_and_twice_is_the_same_as_once(root, words):
    asked = [word.format(root) for word in words]
    content, told = Study(root).content(), CliRunner().invoke(bedside, asked)
    assert told.exit_code == 0, told.output
    _, mark, following = told.stdout.rpartition("\nnext\n")
    assert mark
    assert all(line.startswith("  bedside ") for line in following.strip("\n").split("\n"))
    assert Study(root).content() == content


@pytest.mark.parametrize("words", VERBS.values(), ids=VERBS)
def test_with_json_a_verb_says_one_object_and_nothing_else(root, words):
    told = CliRunner().invoke(bedside, [*(word.format(root) for word in words), "--json"])
    assert told.exit_code == 0
    assert isinstance(json.loads(told.stdout), dict)


def test_doctor_says_which_steps_are_older_than_study_toml(root):
    path = root / "study.toml"
    before = path.read_text()
    try:
        path.write_text(before.replace("trees = 80", "trees = 90") + "# a remark\n")
        told = CliRunner().invoke(bedside, ["doctor", str(root), "--json"])
        seen = {finding["what"]: finding["seen"] for finding in json.loads(told.stdout)["findings"]}
    finally:
        path.write_text(before)
    assert seen["step train"] == "study.toml has changed since"
    assert (seen["step read"], seen["step dossier"]) == ("done", "done")
