"""A run killed at any moment resumes: nothing lost, nothing twice, the same content."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from bedside import Study
from bedside.deidentify.keyring import Keyring
from bedside.demo.hospital import write
from bedside.study.verify import verify

pytestmark = [pytest.mark.xdist_group("kill"), pytest.mark.slow]
KILLS = 10


def small(folder):
    write(folder, patients=40, seed=3)
    Keyring.create(folder.with_name(folder.name + ".keyring"), seed=b"same for both", made=True)
    return folder


def test_ten_kills_at_random_moments_change_nothing(tmp_path):
    calm, killed = small(tmp_path / "calm"), small(tmp_path / "killed")
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "bedside", "run", str(calm)], check=True, capture_output=True)
    whole = time.monotonic() - started
    moments = random.Random(11)
    survived = 0
    for _ in range(KILLS):
        run = subprocess.Popen(
            [sys.executable, "-m", "bedside", "run", str(killed)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            run.wait(timeout=moments.uniform(0.3, whole * 0.6))
            survived += 1
        except subprocess.TimeoutExpired:
            os.kill(run.pid, signal.SIGKILL)
            run.wait()
    assert survived < KILLS, "no run was killed: the test has shown nothing"
    subprocess.run([sys.executable, "-m", "bedside", "run", str(killed)], check=True, capture_output=True)
    assert verify(killed).ok
    assert Study(killed).content() == Study(calm).content()
    assert not (killed / ".work").exists()


def test_a_finished_study_runs_no_step_again(finished):
    assert [step.step for step in finished.run(quiet=True) if step.ran] == []
