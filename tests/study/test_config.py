"""study.toml: all problems at once, each with its line, and no sense without shape."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bedside.cli.group import bedside
from bedside.core import shape
from bedside.core.errors import Misconfigured, Refused
from bedside.study import config, sense

GOOD = """schema = "bedside.study/1"
name = "a study"
timezone = "Europe/Paris"

[[source]]
name = "ehr"
format = "fhir"
path = "raw"

[task]
name = "deterioration"
[task.outcome]
name = "icu"
codes = ["LOCATION//ICU"]
[task.features]
signals = [{ name = "heart_rate", codes = ["LOINC//8867-4"], unit = "/min" }]
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "Patient.ndjson").write_text("{}")
    return tmp_path


def test_a_good_file_has_no_problem(root):
    assert config.problems(GOOD, root) == []


def test_every_problem_is_shown_with_its_line_and_the_nearest_word(root):
    bad = (
        GOOD.replace('format = "fhir"', 'format = "fihr"')
        .replace("timezone", "timezon")
        .replace('codes = ["LOCATION//ICU"]', "cods = 3")
    )
    found = {(p.key, p.line): p for p in config.problems(bad, root)}
    assert set(found) == {("timezon", 3), ("source[0].format", 7), ("task.outcome.cods", 14), ("task.outcome.codes", 12)}
    assert "'timezone'" in found["timezon", 3].do
    assert "is missing" in found["task.outcome.codes", 12].what


def test_sense_is_checked_when_the_shape_is_right(root):
    bad = GOOD.replace('path = "raw"', 'path = "row"').replace("Europe/Paris", "Europe/Pairs")
    assert {(p.key, p.line) for p in config.problems(bad, root)} == {("timezone", 3), ("source[0].path", 8)}


def test_a_source_without_files_is_a_problem_that_says_what_to_do(root):
    (root / "empty").mkdir()
    empty = GOOD.replace('path = "raw"', 'path = "empty"')
    assert [(p.key, p.what) for p in config.problems(empty, root)] == [("source[0].path", "there is no file in 'empty'")]
    other = GOOD.replace('path = "raw"', 'path = "raw"\ninclude = ["*.json"]')
    assert [p.key for p in config.problems(other, root)] == ["source[0].include"]
    assert config.problems(empty, root, sources=False) == []


def test_two_sources_of_one_name_and_tables_without_mapping_are_problems(root):
    twice = GOOD.replace("[task]", '[[source]]\nname = "ehr"\nformat = "tables"\npath = "raw"\n\n[task]', 1)
    keys = [p.key for p in config.problems(twice, root)]
    assert keys.count("source[0].name") == 1
    assert "source[1].mapping" in keys


def test_a_feature_that_is_the_outcome_is_a_problem_of_the_task(root):
    leak = GOOD.replace('codes = ["LOINC//8867-4"]', 'codes = ["LOCATION//ICU"]')
    assert [p.key for p in config.problems(leak, root)] == ["task"]


def test_text_that_is_no_toml_is_one_problem(root):
    assert [p.key for p in config.problems("schema = ", root)] == ["file"]


def test_load_raises_them_all_in_one_error(root):
    (root / "study.toml").write_text(GOOD.replace("timezone", "timezon").replace("heart_rate", 'x", nme = "y'))
    with pytest.raises(Misconfigured, match="2 problems"):
        config.load(root / "study.toml")


def test_a_finished_study_loads_without_its_sources_and_a_wrong_one_tells_of_them_too(root):
    (root / "study.toml").write_text(GOOD.replace('path = "raw"', 'path = "gone"'))
    assert config.load(root / "study.toml", sources=False).name == "a study"
    (root / "study.toml").write_text(GOOD.replace('path = "raw"', 'path = "gone"').replace("Europe/Paris", "Europe/Pairs"))
    with pytest.raises(Misconfigured, match="2 problems"):
        config.load(root / "study.toml", sources=False)


def test_as_received_needs_the_word_of_who_de_identified(root):
    text = GOOD.replace("[task]", '[deidentify]\npolicy = "as-received"\n\n[task]', 1)
    assert [p.key for p in config.problems(text, root)] == ["deidentify.attestation"]


def test_a_fault_of_spelling_hides_no_fault_of_meaning(root):
    bad = GOOD.replace('path = "raw"', 'path = "row"').replace("timezone", "timezon") + (
        '[task.prediction]\nevery_hours = -4\n[task.split]\ntest_fraction = 1.3\n[model]\nkind = "lightgmb"\n'
    )
    found = {problem.key: problem for problem in config.problems(bad, root)}
    assert set(found) == {"timezon", "source[0].path", "task", "task.split", "model.kind"}
    assert "every_hours" in found["task"].what
    assert found["model.kind"].do == "did you mean 'lightgbm'? choose from 'lightgbm', 'logistic'"


def test_a_misshapen_signal_hides_only_itself(root):
    leak = GOOD.replace("signals = [", 'signals = [{ name = 3, codes = [] }, { name = "there", codes = ["LOCATION//ICU"] }, ')
    found = {problem.key: problem.what for problem in config.problems(leak, root)}
    assert set(found) == {"task.features.signals[0].name", "task"}
    assert "'there' carries LOCATION//ICU" in found["task"]


def test_a_choice_that_is_none_lists_the_choices(root):
    (problem,) = config.problems(GOOD.replace('format = "fhir"', 'format = "excel"'), root)
    assert problem.do == "choose from 'fhir', 'hl7v2', 'tables', 'dicom', 'notes'"


def test_a_policy_misspelt_is_one_problem(root):
    (problem,) = config.problems(GOOD.replace("[task]", '[deidentify]\npolicy = "as-recieved"\n\n[task]', 1), root)
    assert (problem.key, "'as-received'" in problem.do) == ("deidentify.policy", True)


LEAKS = {"the outcome": "LOCATION//ICU", "a pattern": "LOCATION//*", "death": "MEDS_DEATH"}


@pytest.mark.parametrize("code", LEAKS.values(), ids=LEAKS)
@pytest.mark.parametrize("verb", ["check", "run", "cohort"])
def test_a_leak_is_refused_with_code_3_and_the_other_problems_beside_it(root, verb, code):
    (root / "study.toml").write_text(GOOD.replace("Europe/Paris", "Europe/Pairs").replace("LOINC//8867-4", code))
    told = CliRunner().invoke(bedside, [verb, str(root)])
    said = told.output + str(told.exception)
    assert (told.exception.exit_code if isinstance(told.exception, Refused) else told.exit_code) == 3
    assert "Europe/Pairs" in said
    assert code in said


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_number_without_end_is_a_problem(root, number):
    (problem,) = config.problems(GOOD + f"[task.prediction]\nevery_hours = {number}\n", root)
    assert (problem.key, problem.what) == ("task.prediction.every_hours", "is not a finite number")


def _places(tree: object) -> Iterator[tuple[object, object]]:
    """Every place in a tree where a value stands."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


WRONG = st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.booleans(), st.just([]), st.just({}), st.just([[1]]), st.just([{"name": 1}]))


@given(st.data())
def test_whatever_stands_in_the_file_it_is_told_and_never_a_crash(data):
    tree = tomllib.loads(GOOD + '[task.prediction]\nfirst_hours = 1.0\n[task.split]\nfolds = 5\n[deidentify]\npolicy = "safe-harbor"\n[model]\nkind = "logistic"\n')
    holder, key = data.draw(st.sampled_from(list(_places(tree))))
    holder[key] = data.draw(WRONG)
    assert all(fault.what and fault.do for fault in [*shape.faults(tree, config.StudyFile, ""), *sense.faults(tree, None)])


OWN_POLICY = GOOD.replace("[task]", '[deidentify]\npolicy = "ours.toml"\n\n[task]', 1)


def test_a_site_may_declare_a_policy_of_its_own_beside_study_toml(root):
    (root / "ours.toml").write_text('base = "safe-harbor"\nname = "ours"\n')
    assert config.problems(OWN_POLICY, root) == []
    (problem,) = config.problems(OWN_POLICY.replace("LOINC//8867-4", "CALENDAR//YEAR"), root)
    assert "safe-harbor removes" in problem.what


def test_a_policy_of_its_own_that_is_none_is_a_problem_of_the_study(root):
    assert [(p.key, p.line) for p in config.problems(OWN_POLICY, root)] == [("deidentify.policy", 11)]
    (root / "ours.toml").write_text('base = "safe-harbor"\nname = "ours"\ncity = true\nzip_digits = 5\n')
    (problem,) = config.problems(OWN_POLICY, root)
    assert "2 problems" in problem.what
    assert config.problems(OWN_POLICY, root, sources=False) == []
