"""A study folder is what its ledger says, or `bedside verify` names what is not: by its name, or for a raw file by its alias."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bedside import Study
from bedside.cli.group import bedside
from bedside.study.steps.sources import raw_files
from bedside.study.verify import verify

pytestmark = pytest.mark.xdist_group("journey")
SECRET = "Zanzibarius_1234567"


def public_names(root: Path) -> dict[Path, str]:
    """What verify must call each raw file."""
    return {file.path: f"raw:{file.source}/{file.alias}" for file in raw_files(Study(root).context())}


def called(path: Path, root: Path, raw: dict[Path, str]) -> str:
    return raw.get(path) or path.relative_to(root).as_posix()


def told(root: Path, *more: str) -> tuple[int, dict[str, object]]:
    out = CliRunner().invoke(bedside, ["verify", str(root), "--json", *more])
    assert SECRET not in out.output
    return out.exit_code, json.loads(out.stdout)


def one_of_each(root: Path) -> list[Path]:
    """A file of every top folder, and every file of the ledger."""
    found = [root / "study.toml", *sorted((root / "ledger").iterdir())]
    for top in ("safe", "lake", "cohort", "bundles", "predictions", "reports", "dossier", "raw"):
        files = sorted(p for p in (root / top).rglob("*") if p.is_file())
        found += random.Random(top).sample(files, min(3, len(files)))
    return found


def test_a_finished_study_verifies(finished):
    assert verify(finished.root).findings == []


def test_one_flipped_byte_anywhere_is_named(copy):
    raw = public_names(copy)
    for path in one_of_each(copy):
        whole = path.read_bytes()
        at = random.Random(path.name).randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        verdict = verify(copy)
        path.write_bytes(whole)
        names = [finding.name for finding in verdict.findings]
        if path.parent.name == "ledger":
            assert all(name.startswith("ledger/") for name in names[:1]), names
        else:
            assert names == [called(path, copy, raw)]
    assert verify(copy).ok


def test_a_file_missing_renamed_or_added_is_named(copy):
    raw = public_names(copy)
    for path in one_of_each(copy)[1:]:
        beside = path.with_name("moved-" + path.name)
        path.rename(beside)
        first = verify(copy).first
        beside.rename(path)
        assert first is not None
        assert first.kind in {"renamed", "ledger"}
        assert first.name == called(path, copy, raw) or first.kind == "ledger"
        path.with_name("added.txt").write_text("new")
        (added,) = verify(copy).findings
        path.with_name("added.txt").unlink()
        assert added.kind == "added"
        assert (added.name == called(path.with_name("added.txt"), copy, raw)) != (path in raw)
    assert verify(copy).ok


@pytest.mark.parametrize("name", ["raw/fhir/.x", f"raw/notes/.{SECRET}", f"raw/notes2/{SECRET}.txt", f"raw/{SECRET}.hl7"])
def test_a_file_hidden_in_a_source_or_beside_the_sources_is_an_addition_under_an_alias(copy, name):
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_text("x")
    code, verdict = told(copy)
    assert code == 1
    assert [finding["kind"] for finding in verdict["findings"]] == ["added"]
    assert name not in json.dumps(verdict)


def test_a_source_that_is_gone_is_named_first_and_the_other_sources_are_no_additions(copy):
    shutil.rmtree(copy / "raw" / "notes")
    _, verdict = told(copy)
    assert (verdict["first"]["kind"], verdict["first"]["name"]) == ("missing", "raw:notes")
    assert {finding["kind"] for finding in verdict["findings"]} == {"missing"}
    assert all(finding["name"].startswith("raw:notes") for finding in verdict["findings"])


def test_a_broken_study_toml_does_not_turn_raw_files_into_additions(copy):
    (copy / "study.toml").write_text("schema = ")
    assert [(f.kind, f.name) for f in verify(copy).findings] == [("changed", "study.toml")]


def test_a_raw_file_that_was_moved_into_the_lake_is_told_under_its_alias(copy):
    path, name = next((path, name) for path, name in public_names(copy).items() if name.startswith("raw:dicom"))
    path.rename(copy / "lake" / f"{SECRET}.dcm")
    _, verdict = told(copy)
    assert [(f["kind"], f["name"]) for f in verdict["findings"]] == [("renamed", name)]


def test_a_copy_of_a_raw_file_among_the_outputs_is_told_under_an_alias_and_as_whose_copy_it_is(copy):
    path, name = next((path, name) for path, name in public_names(copy).items() if name.startswith("raw:dicom"))
    shutil.copy(path, copy / "lake" / f"{SECRET}.dcm")
    _, verdict = told(copy)
    (added,) = verdict["findings"]
    assert added["name"].startswith("lake/f-")
    assert added["detail"] == f"it is a copy of {name}"


def _linked_to_nothing(root: Path) -> str:
    (root / "raw" / "fhir" / f"{SECRET}.ndjson").symlink_to(root / "nothing")
    return "added"


def _a_link_to_a_folder(root: Path) -> str:
    (root / "lake" / "more").symlink_to(root / "safe", target_is_directory=True)
    return "added"


def _an_empty_folder(root: Path) -> str:
    (root / "lake" / "empty").mkdir()
    return "added"


def _a_pipe(root: Path) -> str:
    os.mkfifo(root / "lake" / "pipe")
    return "added"


def _a_link_to_the_same_bytes(root: Path) -> str:
    path = root / "reports" / "test.html"
    path.rename(root.with_name("elsewhere.html"))
    path.symlink_to(root.with_name("elsewhere.html"))
    return "changed"


def _a_pipe_for_the_record(root: Path) -> str:
    (root / "ledger" / "entries.jsonl").unlink()
    os.mkfifo(root / "ledger" / "entries.jsonl")
    return "ledger"


def _no_ledger(root: Path) -> str:
    shutil.rmtree(root / "ledger")
    return "ledger"


@pytest.mark.parametrize("plant", [_linked_to_nothing, _a_link_to_a_folder, _an_empty_folder, _a_pipe, _a_link_to_the_same_bytes,
                                   _a_pipe_for_the_record, _no_ledger])  # fmt: skip
def test_what_is_no_plain_file_is_one_finding_and_never_opened(copy, plant: Callable[[Path], str]):
    kind = plant(copy)
    code, verdict = told(copy)
    assert code == 1
    assert [finding["kind"] for finding in verdict["findings"]] == [kind]
    assert verdict["first"] == verdict["findings"][0]


@pytest.fixture
def keyless(copy) -> Path:
    """The folder alone, as it is sent to somebody."""
    for suffix in (".keyring", ".keyring.map"):
        copy.with_name(copy.name + suffix).unlink()
    return copy


def test_without_the_keyring_raw_files_inside_the_folder_are_unchecked_and_not_ok(keyless):
    code, verdict = told(keyless)
    assert (code, verdict["ok"]) == (1, False)
    assert [(f["kind"], f["name"]) for f in verdict["findings"]] == [("unchecked", "raw files")]
    code, verdict = told(keyless, "--without-raw")
    assert (code, verdict["ok"]) == (0, True)
    assert verdict["notes"]


@pytest.mark.parametrize("words", [[], ["--without-raw"]])
def test_without_the_keyring_raw_files_moved_elsewhere_are_counted_and_not_named(keyless, words):
    (keyless / "raw" / "notes" / f"{SECRET}.txt").write_text("x")
    (keyless / "raw").rename(keyless / "incoming")
    code, verdict = told(keyless, *words)
    assert code == 1
    assert ("added", "raw files") in {(f["kind"], f["name"]) for f in verdict["findings"]}


def test_without_the_keyring_raw_files_missing_or_added_are_counted_by_source(keyless):
    next((keyless / "raw" / "notes").rglob("*.txt")).rename(keyless / "lake" / f"{SECRET}.txt")
    (keyless / "raw" / "fhir" / f"{SECRET}.ndjson").write_text("")
    _, verdict = told(keyless)
    assert {(f["kind"], f["name"]) for f in verdict["findings"]} == {
        ("added", "lake"), ("added", "raw:fhir"), ("missing", "raw:notes"), ("unchecked", "raw files"),
    }  # fmt: skip


def test_what_lay_unread_in_a_source_at_the_run_is_in_the_ledger_and_no_addition(tmp_path):
    from tests.journey import own_hospital

    study = Study(own_hospital.csv_study(tmp_path / "ours"))
    top = (study.root / study.file.source[0].path).resolve()
    (top / ".DS_Store").write_text("x")
    study.run(["deidentify"], quiet=True)
    assert verify(study.root).findings == []
    (top / ".DS_Store").unlink()
    (gone,) = verify(study.root).findings
    assert (gone.kind, gone.name.split("/")[0]) == ("missing", f"unread:{study.file.source[0].name}")


def test_the_verb_exits_1_and_names_the_first_bad_thing_in_json(copy):
    (copy / "lake" / "stray").write_text("x")
    code, verdict = told(copy)
    assert code == 1
    assert verdict["first"] == {"kind": "added", "name": "lake/stray", "detail": "no entry of the ledger made it", "seq": None}
