"""The core as `pip install bedside` brings it, in an environment that has none of the extras: run by `make test` in one of its own."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import pytest

import bedside
from bedside.core.extras import extras


def there(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


BROUGHT = sorted({name for names in extras().values() for name in names})
LOADED_BY_FLARE = {"bedside.federate.flare_server", "bedside.study.flare_site"}  # FLARE loads them by name, and their classes are FLARE's
pytestmark = [
    pytest.mark.skipif(any(map(there, BROUGHT)), reason="extras are installed here; `make test-core` runs this without them"), pytest.mark.xdist_group("bare"),
]  # fmt: skip
MODULES = sorted({module.name for module in pkgutil.walk_packages(bedside.__path__, "bedside.")} - LOADED_BY_FLARE - {"bedside.__main__"})


def cli(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "bedside", *map(str, words)], capture_output=True, text=True, check=False)


class Demo(NamedTuple):
    """A demo as far as the core goes, and what was said on the way."""

    root: Path
    told: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    root = tmp_path_factory.mktemp("bare") / "demo"
    return Demo(root, cli("demo", "--out", root, "--patients", 30))


def test_every_module_can_be_imported() -> None:
    assert len(MODULES) > 300
    for name in MODULES:
        import_module(name)


def test_the_demo_goes_as_far_as_the_core_can_and_names_the_line_to_type(demo: Demo) -> None:
    told = demo.told
    assert (told.returncode, told.stderr.count("Traceback")) == (2, 0), told.stderr
    assert "pip install 'bedside[risk]'" in told.stderr
    for step in ("deidentify", "read", "check", "cohort"):
        assert f"\n{step}" in told.stderr + told.stdout
    assert cli("verify", demo.root).returncode == 0
    answer = cli("sql", demo.root, "select count(*) n from decisions", "--json")
    assert json.loads(answer.stdout)["rows"][0]["n"] > 100


@pytest.mark.parametrize(("pillar", "extra"), [("imaging", "imaging"), ("molecules", "molecules"), ("text", "text"), ("federated", "risk")])
def test_a_pillar_whose_extra_is_missing_says_which(tmp_path: Path, pillar: str, extra: str) -> None:
    told = cli("demo", "--out", tmp_path / "d", "--pillar", pillar)
    assert told.returncode == 0, told.stderr
    assert f"pip install 'bedside[{extra}]'" in told.stdout
    assert not (tmp_path / f"d-{pillar}").exists()


def test_doctor_lacks_nothing_that_nobody_asked_for(demo: Demo) -> None:
    told = json.loads(cli("doctor", "--json").stdout)
    findings = told if isinstance(told, list) else told["findings"]
    assert all(one["ok"] for one in findings)
    assert {one["what"] for one in findings if one["seen"] == "not installed"} == {f"extra [{name}]" for name in extras()}
    assert "for this study's model" in cli("doctor", demo.root).stdout


def test_notes_state_facts_without_any_extra() -> None:
    from bedside.pillars.text.rules import RuleExtractor

    told = RuleExtractor().extract("Assessment: pneumonia, no fever. Started azithromycin 500 mg PO daily.")
    assert {"problem", "medication"} <= {fact.kind for fact in told}
