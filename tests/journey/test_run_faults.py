"""What goes wrong around a run (a kill between two renames, a full disk, a second run, a locked folder, a moved study): one message, then on."""

from __future__ import annotations

import ctypes
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.journey import own_hospital

from bedside import Study
from bedside.study import folder
from bedside.study.verify import verify

pytestmark = [pytest.mark.xdist_group("own"), pytest.mark.slow]
CAPBSET_DROP, DAC_OVERRIDE, DAC_READ_SEARCH = 24, 1, 2

# In this order on one study: each run goes on where the one before was killed.
KILLS = [("ledger", 1), ("rename", 2), ("ledger", 3), ("rename", 3), ("ledger", 1), ("rename", 4), ("rename", 2), ("ledger", 3), ("rename", 3)]

# Runs a study and kills its own process right after the nth call of a function that makes outputs appear.
KILLED = """
import os, signal, sys
from pathlib import Path
from bedside import Study
from bedside.ledger import log
from bedside.study import folder

root, place, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
module, name = {"rename": (os, "replace"), "ledger": (log, "_append")}[place]
real, seen = getattr(module, name), 0

def counted(*told):
    global seen
    made = real(*told)
    seen += 1
    if seen == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return made

setattr(module, name, counted)
Study(root).run(quiet=True)
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study. Read it; copy it before you change it."""
    study = Study(own_hospital.csv_study(tmp_path_factory.mktemp("done") / "ours"))
    study.run(quiet=True)
    return study


@pytest.fixture
def copy(done: Study, tmp_path: Path) -> Path:
    return moved(done, tmp_path / "copy")


def moved(study: Study, to: Path, *, keyring: bool = True) -> Path:
    shutil.copytree(study.root, to)
    for suffix in (".keyring", ".keyring.map") if keyring else ():
        shutil.copy2(study.root.with_name(study.root.name + suffix), to.with_name(to.name + suffix))
    return to


def bedside(*words: object, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    told = [sys.executable, "-m", "bedside", *map(str, words)]
    return subprocess.run(told, capture_output=True, text=True, check=False, preexec_fn=before)


def one_message(told: subprocess.CompletedProcess[str], code: int) -> str:
    assert told.returncode == code, told.stderr
    assert "Traceback" not in told.stderr
    return told.stderr


def test_kills_between_two_renames_and_before_a_signature_resume_to_the_same_content(done, tmp_path):
    root = tmp_path / "killed"
    root.mkdir()
    shutil.copytree(done.root / "raw", root / "raw")
    for name in ("study.toml", "our-mapping.toml"):
        shutil.copy2(done.root / name, root / name)
    for suffix in (".keyring", ".keyring.map"):
        shutil.copy2(done.root.with_name(done.root.name + suffix), root.with_name(root.name + suffix))
    for place, number in KILLS:
        killed = subprocess.run([sys.executable, "-c", KILLED, str(root), place, str(number)], check=False)
        assert killed.returncode == -signal.SIGKILL, (place, number)
    Study(root).run(quiet=True)
    assert Study(root).content() == done.content()
    assert verify(root).findings == []
    assert not (root / folder.WORK).exists()


@pytest.mark.parametrize(("step", "gone", "most"), [("deidentify", "safe", 9_000), ("read", "lake", 9_000), ("cohort", "cohort", 20_000)])
def test_a_full_disk_is_one_message_and_the_run_goes_on_when_there_is_room(done, copy, step, gone, most):
    shutil.rmtree(copy / gone)
    # A limit on file size stops writes as a full disk does, for every library alike.
    told = bedside("run", copy, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (max(most, 0), resource.RLIM_INFINITY)))
    message = one_message(told, 1)
    assert "Unusable: the disk is full" in message
    assert "same command again" in message
    assert not (copy / gone).exists()
    assert not (copy / folder.WORK).exists()
    assert bedside("run", copy).returncode == 0
    assert Study(copy).content() == done.content()
    assert verify(copy).findings == []


def test_two_runs_at_once_are_refused_and_a_killed_run_leaves_no_lock(copy):
    holder = subprocess.Popen(
        [sys.executable, "-c", f"from pathlib import Path\nfrom bedside.study.folder import locked\nwith locked(Path({str(copy)!r})):\n    print('held', flush=True)\n    import time; time.sleep(600)"],
        stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert "another run is at work" in one_message(bedside("run", copy), 3)
    holder.kill()
    holder.communicate()
    assert bedside("run", copy).returncode == 0


def powerless() -> None:
    """Give up root's right to write everywhere, so that a mode counts for root too."""
    library = ctypes.CDLL(None)
    for power in (DAC_OVERRIDE, DAC_READ_SEARCH):
        library.prctl(CAPBSET_DROP, power, 0, 0, 0)


def test_a_folder_that_may_not_be_written_is_one_message_and_can_still_be_read(done, copy):
    (copy / "reports" / "test.html").unlink()
    for path in [copy, *(p for p in copy.rglob("*") if p.is_dir())]:
        path.chmod(0o555)
    try:
        if subprocess.run([sys.executable, "-c", f"open({str(copy / 'probe')!r}, 'w')"], check=False, capture_output=True, preexec_fn=powerless).returncode == 0:
            pytest.skip("this machine lets everybody write everywhere")
        assert "Permission denied" in one_message(bedside("run", copy, before=powerless), 2)
        assert bedside("sql", copy, "select count(*) from events", before=powerless).returncode == 0
        assert "test.html" in bedside("verify", copy, before=powerless).stdout
    finally:
        for path in [copy, *(p for p in copy.rglob("*") if p.is_dir())]:
            path.chmod(0o755)
    assert bedside("run", copy).returncode == 0
    assert Study(copy).content() == done.content()


@pytest.mark.parametrize("closed", ["folder", "file"])
def test_what_may_not_be_read_in_a_source_stops_the_run_and_is_not_named(copy, closed):
    path = copy / "raw" / "Zanzibarius_1234567"
    path.mkdir()
    (path / "vitals.csv").write_text("x")
    shut = path if closed == "folder" else path / "vitals.csv"
    shut.chmod(0)
    try:
        if subprocess.run([sys.executable, "-c", f"import os; os.listdir({str(shut)!r})" if closed == "folder" else f"open({str(shut)!r})"],
                          check=False, capture_output=True, preexec_fn=powerless).returncode == 0:  # fmt: skip
            pytest.skip("this machine lets everybody read everywhere")
        told = bedside("run", copy, before=powerless)
        checked = bedside("verify", copy, before=powerless)
    finally:
        shut.chmod(0o755)
    assert "Permission denied" in one_message(told, 1)
    assert (checked.returncode, "unchecked" in checked.stdout) == (1, True)
    assert not any("Zanzibarius" in said for said in (told.stdout, told.stderr, checked.stdout, checked.stderr))


def test_a_study_moved_with_its_keyring_has_nothing_to_do_and_verifies(done, copy):
    study = Study(copy)
    assert [ran.step for ran in study.run(quiet=True) if ran.ran] == []
    assert study.content() == done.content()
    assert verify(copy).ok


def test_a_study_moved_without_its_keyring_is_read_and_not_run(done, tmp_path):
    root = moved(done, tmp_path / "away", keyring=False)
    message = one_message(bedside("run", root), 2)
    assert "the keyring of this study is not there" in message
    assert "bring it back" in message
    assert not root.with_name("away.keyring").exists()
    assert Study(root).events().height == done.events().height
    (unchecked,) = verify(root).findings
    assert "the keyring is not here" in unchecked.detail
    assert verify(root, without_raw=True).ok


def test_a_finished_study_is_read_without_its_raw_files_and_verify_names_what_is_missing(copy):
    shutil.rmtree(copy / "raw")
    assert Study(copy).predictions().height
    verdict = verify(copy)
    assert not verdict.ok
    assert verdict.findings[0].name.startswith("raw:")
    assert "source[0].path" in one_message(bedside("run", copy), 2)
    assert bedside("train", copy).returncode == 0


def test_raw_files_outside_the_folder_that_are_not_here_are_a_note_and_no_finding(tmp_path):
    root = own_hospital.csv_study(tmp_path / "study")
    (root / "raw").rename(tmp_path / "elsewhere")
    path = root / "study.toml"
    path.write_text(path.read_text().replace('path = "raw"', 'path = "../elsewhere"'))
    Study(root).run(["deidentify", "read"], quiet=True)
    assert (verify(root).findings, verify(root).notes) == ([], [])
    (tmp_path / "elsewhere" / "vitals.csv").rename(tmp_path / "vitals.csv")
    assert [finding.kind for finding in verify(root).findings] == ["missing"]
    (tmp_path / "elsewhere").rename(tmp_path / "gone")
    assert verify(root).findings == []
    assert "ours lie outside" in verify(root).notes[0]
