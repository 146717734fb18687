"""One worker process of de-identification: `python -m bedside.study.worker`, started by `core.pool` and spoken to over pipes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bedside.core import pool
from bedside.deidentify.batch import Doer, Here
from bedside.deidentify.work import Start, Work
from bedside.formats.files import RawFile

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from bedside.deidentify.policy import Policy
    from bedside.deidentify.spans import Detector

MODULE = "bedside.study.worker"
_WORTH_IT, _MOST = 24 << 20, 16


def begin(start: Start) -> Work:
    """The work of one process, with the detector that the start names."""
    return Work(start, detectors=() if start.detector == "rules" else (_detector(start.detector, start.policy),))


def _detector(name: str, policy: Policy) -> Detector:
    from bedside.pillars.text.ner import detector

    return detector(name, keep_places=policy.city)


def how_many(files: Sequence[RawFile]) -> int:
    """As many workers as there are cores, but one where starting them would cost more than they save."""
    size = sum(file.path.stat().st_size for file in files)
    return 1 if size < _WORTH_IT else min(os.cpu_count() or 1, _MOST)


def doer(start: Start, workers: int) -> AbstractContextManager[Doer]:
    """Who does the work: this process, or as many others."""
    from contextlib import nullcontext

    return nullcontext(Here(begin(start))) if workers <= 1 else pool.Pool(MODULE, start, workers)


if __name__ == "__main__":
    pool.serve(begin)
