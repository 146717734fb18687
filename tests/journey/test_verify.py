"""A study folder is what its ledger says, or `bedside verify` names what is not."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from bedside.study.verify import verify

pytestmark = pytest.mark.xdist_group("journey")


def test_a_finished_study_verifies(finished):
    assert verify(finished.root).findings == []


def one_of_each(root: Path) -> list[Path]:
    """A file of every top folder, and every file of the ledger."""
    found = [root / "study.toml", *sorted((root / "ledger").iterdir())]
    for top in ("safe", "lake", "cohort", "bundles", "predictions", "reports", "dossier", "raw"):
        files = sorted(p for p in (root / top).rglob("*") if p.is_file())
        found += random.Random(top).sample(files, min(3, len(files)))
    return found


def test_one_flipped_byte_anywhere_is_named(copy):
    for path in one_of_each(copy):
        whole = path.read_bytes()
        at = random.Random(path.name).randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        verdict = verify(copy)
        path.write_bytes(whole)
        assert not verdict.ok, path
        assert path.suffix in {Path(f.name).suffix for f in verdict.findings}, (path, verdict.findings)
    assert verify(copy).ok


def test_a_file_added_missing_or_renamed_is_named(copy):
    for path in one_of_each(copy)[1:]:
        beside = path.with_name("moved-" + path.name)
        path.rename(beside)
        assert not verify(copy).ok, path
        beside.rename(path)
        path.with_name("added.txt").write_text("new")
        verdict = verify(copy)
        assert any("added" in finding.name or finding.kind == "added" for finding in verdict.findings), path
        path.with_name("added.txt").unlink()
    assert verify(copy).ok


def test_the_verb_exits_1_and_names_the_first_bad_thing_in_json(copy):
    (copy / "lake" / "stray").write_text("x")
    out = subprocess.run(
        [sys.executable, "-m", "bedside", "verify", str(copy), "--json"], capture_output=True, text=True, check=False
    )
    assert out.returncode == 1
    assert json.loads(out.stdout)["first"] == {
        "kind": "added",
        "name": "lake/stray",
        "detail": "no entry of the ledger made it",
        "seq": None,
    }
