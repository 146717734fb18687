"""One whole made hospital and one small one, written once for all tests of the room."""

from __future__ import annotations

import pytest
from tests.demo.made_hospital import Hospital

from bedside.demo.hospital import write


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """All shipped patients, seed 1."""
    folder = tmp_path_factory.mktemp("whole")
    return Hospital(folder, write(folder))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """Twenty of the shipped patients."""
    folder = tmp_path_factory.mktemp("small")
    return Hospital(folder, write(folder, patients=20))
