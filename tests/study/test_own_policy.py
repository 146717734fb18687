"""A study under a policy of the site's own: in the ledger by its digest, done again when it changes, and no stranger in the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside import Study
from bedside.deidentify.policy import policy
from bedside.study.new import new
from bedside.study.verify import verify

PATIENT = '{"resourceType":"Patient","id":"p1","gender":"female","birthDate":"1970-01-01","address":[{"postalCode":"02139","state":"MA"}]}\n'
ZIP3 = 'schema = "bedside.zip3/2"\ncensus = "2020"\npopulated = ["021"]\nrestricted = []\n'


@pytest.fixture
def study(tmp_path: Path) -> Study:
    root = new(tmp_path / "study").root
    text = (root / "study.toml").read_text()
    head, rest = text.partition("[[source]]")[0], text.partition("[deidentify]")[2]
    (root / "study.toml").write_text(
        head + '[[source]]\nname = "fhir"\nformat = "fhir"\npath = "raw/fhir"\n\n[deidentify]' + "\n".join(
            'policy = "rules/ours.toml"' if line.startswith("policy") else line for line in rest.split("\n"))
    )  # fmt: skip
    (root / "raw" / "fhir").mkdir(parents=True)
    (root / "raw" / "fhir" / "Patient.ndjson").write_text(PATIENT)
    (root / "rules").mkdir()
    (root / "rules" / "ours.toml").write_text('base = "expert-determination"\nname = "ours"\nzip3 = "areas.toml"\n')
    (root / "rules" / "areas.toml").write_text(ZIP3)
    return Study(root)


def test_a_changed_policy_is_done_again_and_an_unchanged_one_is_not(study):
    assert [ran.ran for ran in study.run(["deidentify"], quiet=True)] == [True]
    assert b'"021"' in b"".join(path.read_bytes() for path in (study.root / "safe").rglob("*.ndjson"))
    assert [ran.ran for ran in study.run(["deidentify"], quiet=True)] == [False]
    (study.root / "rules" / "areas.toml").write_text(ZIP3.replace('["021"]', '["022"]'))
    assert [ran.ran for ran in study.run(["deidentify"], quiet=True)] == [True]
    assert b'"000"' in b"".join(path.read_bytes() for path in (study.root / "safe").rglob("*.ndjson"))


def test_the_ledger_has_the_digest_and_the_files_of_the_policy(study):
    study.run(["deidentify"], quiet=True)
    plan, done = study.ledger()
    assert plan.receipt.parameters["policy_digest"] == policy(str(study.root / "rules" / "ours.toml")).digest == done.receipt.parameters["told"]["policy"]
    assert [item.name for item in plan.receipt.outputs] == ["study.toml", "rules/areas.toml", "rules/ours.toml"]
    assert verify(study.root).ok
    (study.root / "rules" / "ours.toml").write_text('base = "safe-harbor"\nname = "ours"\n')
    assert [(finding.kind, finding.name) for finding in verify(study.root).findings] == [("changed", "rules/ours.toml")]


def test_a_study_can_be_moved_with_its_policy(study, tmp_path):
    study.run(["deidentify"], quiet=True)
    (tmp_path / "study").rename(tmp_path / "elsewhere")
    (tmp_path / "study.keyring").rename(tmp_path / "elsewhere.keyring")
    (tmp_path / "study.keyring.map").rename(tmp_path / "elsewhere.keyring.map")
    assert [ran.ran for ran in Study(tmp_path / "elsewhere").run(["deidentify"], quiet=True)] == [False]
