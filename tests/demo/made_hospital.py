"""A made hospital on disk, as the fixtures hand it to the tests."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from bedside.demo.hospital import Made


class Hospital(NamedTuple):
    folder: Path
    made: Made
