"""Without extras everything up to the cohort works; what needs one says which line to type."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.journey import own_hospital

from bedside import Study

pytestmark = [pytest.mark.xdist_group("own"), pytest.mark.slow]

# The command line in a Python that has only what `pip install bedside` brings: an import of anything else fails as if it were not there.
BARE = """
import sys
from importlib.abc import MetaPathFinder

EXTRAS = {"lightgbm", "sklearn", "scipy", "threadpoolctl", "joblib", "uvicorn", "uvloop", "httptools", "pyarrow", "pandas", "meds"}

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from bedside.cli import main
main()
"""


def bare(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BARE, *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_hospital.csv_study(tmp_path_factory.mktemp("bare") / "ours")


def test_the_core_alone_goes_from_raw_files_to_the_cohort(root: Path) -> None:
    for verb in ("check", "deidentify", "read", "check", "cohort", "verify"):
        told = bare(verb, root)
        assert told.returncode == 0, (verb, told.stderr)
    answer = bare("sql", root, "select count(*) n from decisions", "--json")
    assert json.loads(answer.stdout)["rows"][0]["n"] > 100
    assert bare("new", root.with_name("other"), "--task", "mimic-iv").returncode == 0
    assert bare("--help").returncode == 0


def test_what_needs_an_extra_names_the_line_to_type(root: Path) -> None:
    Study(root).run(["deidentify", "read", "cohort"], quiet=True)
    told = bare("train", root)
    assert (told.returncode, told.stderr.count("Traceback")) == (2, 0)
    assert "pip install 'bedside[risk]'" in told.stderr
    Study(root).run(quiet=True)
    served = bare("serve", root, "--port", "0")
    assert (served.returncode, served.stderr.count("Traceback")) == (2, 0)
    assert "Missing" in served.stderr
    assert "pip install 'bedside[" in served.stderr
    assert bare("explain", root, "test/risk/auroc").returncode == 0
