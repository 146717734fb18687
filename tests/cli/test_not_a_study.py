"""A folder that is no study, or has not been run: every verb says what to type, and answers are one JSON object."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from bedside.cli.group import VERBS, bedside
from bedside.core.errors import BedsideError, Misconfigured, Unusable
from bedside.study.new import new, templates

ASKED = {
    "verify": ["verify", "{}"],
    "explain": ["explain", "{}", "test/risk/auroc"],
    "explain --list": ["explain", "{}", "--list"],
    "sql": ["sql", "{}", "select 1"],
    "monitor": ["monitor", "{}", "--log", __file__],
    "check": ["check", "{}"],
    "run": ["run", "{}"],
    "train": ["train", "{}"],
    "serve": ["serve", "{}"],
}


def asked(words: list[str], root: object) -> Result:
    return CliRunner().invoke(bedside, [word.format(root) for word in words])


@pytest.mark.parametrize("words", ASKED.values(), ids=ASKED)
def test_a_folder_without_a_study_is_exit_2_and_the_way_to_one(tmp_path, words):
    error = asked(words, tmp_path).exception
    assert isinstance(error, Misconfigured)
    assert error.exit_code == 2
    assert "bedside new" in error.do
    assert "bedside run" not in error.do


def test_doctor_of_a_folder_without_a_study_is_exit_2_and_the_way_to_one(tmp_path):
    told = asked(["doctor", "{}"], tmp_path)
    assert told.exit_code == 2
    assert "bedside new my-study" in told.output
    assert "bedside run" not in told.output


@pytest.mark.parametrize("words", [ASKED["verify"], ASKED["explain"], ASKED["explain --list"], ASKED["sql"]])
def test_a_study_that_has_not_been_run_says_so(tmp_path, words):
    new(tmp_path / "study")
    error = asked(words, tmp_path / "study").exception
    assert isinstance(error, Unusable)
    assert "bedside run" in error.do


def test_doctor_and_check_name_the_sources_that_are_not_there(tmp_path):
    new(tmp_path / "study", task="sepsis2019")
    for verb in ("doctor", "check"):
        told = asked([verb, "{}"], tmp_path / "study")
        assert told.exit_code != 0
        assert "source[0].path" in told.output
        assert "put the raw files there" in told.output
    assert "bedside run" not in asked(["check", "{}"], tmp_path / "study").output


def test_every_template_is_a_choice_of_new_and_an_unknown_one_lists_them(tmp_path):
    told = CliRunner().invoke(bedside, ["new", str(tmp_path / "study"), "--task", "sepsis"])
    assert told.exit_code == 2
    assert all(name in told.output for name in templates())
    with pytest.raises(Misconfigured, match="sepsis2019"):
        new(tmp_path / "study", task="sepsis")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"serve", "demo"}))
def test_no_verb_ends_in_a_traceback_on_a_folder_that_is_not_there(tmp_path, verb):
    extra = {"sql": ["select 1"], "explain": ["x"], "monitor": ["--log", __file__]}.get(verb, [])
    told = asked([verb, "{}", *extra], tmp_path / "gone")
    assert told.exception is None or isinstance(told.exception, (BedsideError, SystemExit))


def test_the_answer_of_sql_is_one_object_with_its_columns_in_order(finished_sql):
    told = json.loads(CliRunner().invoke(bedside, ["sql", str(finished_sql), "select 2 as b, 1 as a, null as b2", "--json"]).output)
    assert told == {"columns": ["b", "a", "b2"], "rows": [{"b": 2, "a": 1, "b2": None}]}


@pytest.fixture
def finished_sql(tmp_path):
    """A study whose lake is there: one patient, two facts."""
    root = new(tmp_path / "study").root
    for name in ("fhir", "hl7v2", "tables", "dicom", "notes"):
        (root / "raw" / name).mkdir(parents=True)
        (root / "raw" / name / "empty.txt").write_text("")
    text = (root / "study.toml").read_text()
    head, _, rest = text.partition("[[source]]")
    (root / "study.toml").write_text(head + '[[source]]\nname = "fhir"\nformat = "fhir"\npath = "raw/fhir"\n\n[deidentify]' + rest.partition("[deidentify]")[2])
    (root / "raw" / "fhir" / "Patient.ndjson").write_text('{"resourceType":"Patient","id":"p1","gender":"female","birthDate":"1970-01-01"}\n')
    (root / "raw" / "fhir" / "empty.txt").unlink()
    from bedside import Study

    Study(root).run(["deidentify", "read"], quiet=True)
    return root
