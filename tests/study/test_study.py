"""A study from Python and from the command line: what was altered is made again and said; what is not there says what is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside import Study
from bedside.core.errors import Misconfigured
from bedside.study.new import new

PATIENT = '{"resourceType":"Patient","id":"p1","gender":"female","birthDate":"1970-01-01"}\n'


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one patient, de-identified and read."""
    root = new(tmp_path_factory.mktemp("small") / "study").root
    head, _, rest = (root / "study.toml").read_text().partition("[[source]]")
    source = '[[source]]\nname = "fhir"\nformat = "fhir"\npath = "raw"\n\n[deidentify]'
    (root / "study.toml").write_text(head + source + rest.partition("[deidentify]")[2])
    (root / "raw").mkdir()
    (root / "raw" / "Patient.ndjson").write_text(PATIENT)
    Study(root).run(["deidentify", "read"], quiet=True)
    return root


def test_an_output_that_was_altered_is_made_again_and_both_are_said(read, capsys):
    (read / "safe" / "fhir" / "Patient.ndjson").write_text("tampered")
    (read / "safe" / "more").write_text("x")
    before = len(Study(read).ledger())
    (ran,) = Study(read).run(["deidentify"], quiet=True)
    assert ran.ran
    assert "deidentify: what was there was not what the ledger says (1 changed, 1 added of its files); it is made again" in capsys.readouterr().err
    (entry,) = Study(read).ledger()[before:]
    assert entry.receipt.parameters["replaced"] == {"changed": 1, "added": 1}
    assert Study(read).verify().ok


def test_a_step_that_is_as_the_ledger_says_is_left_alone_in_silence(read, capsys):
    assert not any(step.ran for step in Study(read).run(["deidentify", "read"], quiet=True))
    assert capsys.readouterr().err == ""


def test_predictions_of_a_split_that_is_none_say_which_there_are(read):
    with pytest.raises(Misconfigured, match="'test', 'development'"):
        Study(read).predictions("nope")
