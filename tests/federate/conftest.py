"""Three made hospitals, fitted together once for all tests that only look."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from bedside.demo.federated import SITES, write
from bedside.study.federate import Federated, federate


class Ran(NamedTuple):
    root: Path
    sites: list[Path]
    done: Federated


def made_sites(root: Path, *, seed: int = 1) -> list[Path]:
    write(root, seed=seed)
    return [root / "sites" / name for name in SITES]


def copied(ran: Ran, to: Path) -> list[Path]:
    """The sites again, with their keyrings and what their steps have made, before any of them was federated."""
    shutil.copytree(ran.root.with_name("before"), to)
    return [to / "sites" / name for name in SITES]


@pytest.fixture(scope="session")
def ran(tmp_path_factory) -> Ran:
    """A finished federated run. Read it; copy it before you change it. Beside it lie the sites as they were before it."""
    top = tmp_path_factory.mktemp("federated")
    sites = made_sites(top / "made")
    from bedside.study.federate import STEPS
    from bedside.study.study import Study

    for site in sites:
        Study(site).run(STEPS, quiet=True)
    shutil.copytree(top / "made", top / "before")
    return Ran(top / "made", sites, federate(top / "made" / "study.toml", sites, out=top / "out", pool_test=True, quiet=True))


def named(sites: list[Path]) -> set[str]:
    """Every word that names somebody at these sites: numbers, names and birth dates of the raw tables, pseudonyms, encounters."""
    import polars as pl

    from bedside.core.ids import pseudonym

    found: set[str] = set()
    for site in sites:
        rows = pl.read_parquet(site / "cohort/decisions.parquet")
        raw = [line.split(",") for line in (site / "raw/stays.csv").read_text().splitlines()[1:]]
        found |= {cell for line in raw for cell in line[:3]} | {pseudonym(one) for one in rows["subject_id"]} | set(rows["unit_id"])
    return found
