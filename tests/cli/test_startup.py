"""The command line starts fast, loads nothing heavy, and every verb explains itself."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from bedside.cli.group import VERBS, bedside

HEAVY = ("polars", "numpy", "duckdb", "pydicom", "cryptography", "msgspec", "lightgbm", "sklearn", "scipy", "pyarrow", "uvicorn")


def modules_after(code: str) -> set[str]:
    out = subprocess.run(
        [sys.executable, "-c", code + "; import sys, json; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(out.stdout.splitlines()[-1]))


def test_help_loads_no_heavy_library():
    code = "import sys; sys.argv = ['bedside', '--help']\nfrom bedside.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\nNone"
    assert not modules_after(code) & set(HEAVY)


def test_importing_bedside_loads_no_heavy_library():
    assert not modules_after("import bedside") & set(HEAVY)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_and_takes_json(verb):
    told = CliRunner().invoke(bedside, [verb, "--help"])
    assert told.exit_code == 0
    assert "--json" in told.output


def test_a_misspelt_verb_is_corrected():
    told = CliRunner().invoke(bedside, ["verfy"])
    assert told.exit_code == 2
    assert "did you mean 'verify'" in told.output


def test_shell_completion_lists_the_verbs():
    out = subprocess.run([sys.executable, "-m", "bedside"], env={"_BEDSIDE_COMPLETE": "bash_complete", "COMP_WORDS": "bedside ver", "COMP_CWORD": "1"},
                         capture_output=True, text=True, check=False)  # fmt: skip
    assert "verify" in out.stdout


def test_an_error_is_three_lines_and_an_exit_code(tmp_path):
    out = subprocess.run([sys.executable, "-m", "bedside", "run", str(tmp_path)], capture_output=True, text=True, check=False)
    assert out.returncode == 2
    assert out.stderr.startswith("Misconfigured: there is no study.toml here")
    assert "bedside new" in out.stderr


@pytest.mark.parametrize(("words", "code"), [(["run", "{}"], 2), (["verify", "{}"], 1), (["sql", "{}"], 2), (["verfy"], 2),
                                             (["new", "{}/study.toml/inside"], 2)])  # fmt: skip
def test_with_json_an_error_is_one_object_on_standard_output(tmp_path, words, code):
    (tmp_path / "study.toml").write_text("")
    asked = [word.format(tmp_path) for word in words]
    out = subprocess.run([sys.executable, "-m", "bedside", *asked, "--json"], capture_output=True, text=True, check=False)
    told = json.loads(out.stdout)
    assert (out.returncode, told["exit_code"], told["ok"]) == (code, code, False)
    assert told["error"].keys() == {"kind", "what", "where", "do"}
    assert "Traceback" not in out.stderr
