"""`bedside federate`: the fit of one task over several study folders, each with its own raw data, keyring, lake and ledger.

In        the shared study.toml (task, model, seed; `source = []`), the sites' folders, whose study.toml have the same task and model
Out       a study folder: the sealed bundle, each site's card and figures, reports, and one ledger with each site's signed receipt
Order     each site runs its stale steps up to the cohort; then the rounds (`federate/`); then each site tests the bundle on its own
          held-out rows, whose labels are opened in its own ledger; what leaves a site passes its channel
Refuses   to pool rows: that is done for comparison only, where all data are made or public (`pool_test`), and is marked as such.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bedside.core import canonical
from bedside.core.errors import BedsideError, Misconfigured, Refused
from bedside.core.progress import say
from bedside.federate.coordinator import Coordinator
from bedside.federate.plan import Plan
from bedside.federate.records import Federation
from bedside.federate.site import Site
from bedside.federate.transport import InProcess
from bedside.study import folder
from bedside.study.config import StudyFile, load
from bedside.study.federate_out import pooled_test, write
from bedside.study.federate_site import open_site, plan_of
from bedside.study.study import Study

if TYPE_CHECKING:
    from bedside.evaluate.evaluation import Evaluation

STEPS = ("deidentify", "read", "check", "cohort")
EXECUTOR = "bedside.study.flare_site.BedsideExecutor"


class Federated(NamedTuple):
    """The output folder, the run, and the pooled evaluation where one was allowed."""

    out: Path
    run: Federation
    pooled: Evaluation | None


def federate(shared: Path, sites: Sequence[Path], *, out: Path, rounds: int | None = None, engine: str = "in-process", pool_test: bool = False,
             quiet: bool = False) -> Federated:  # fmt: skip
    """Fit over the sites and write `out`, where there is nothing yet.

    engine   "in-process", or "flare": the same sites as processes of NVIDIA FLARE's simulator on this machine
    Raises `Refused` for a model that is not federable, for sites that differ in task, model, features or units, or are too small.
    """
    file = load(shared, shared=True)
    agreed, studies = plan_of(file), _opened(sites)
    _empty(out)
    _same(file, studies)
    _may_pool(studies, pool_test)
    for name, study in studies.items():
        if not quiet:
            say(f"site {name}")
        with _at(name):
            study.run(STEPS, quiet=quiet)
    with _whole(out) as place:
        run = _run(agreed, studies, place, rounds, engine, quiet)
        pooled = pooled_test(agreed, studies, file) if pool_test else None
        made = all(study.file.made for study in studies.values())
        write(place, shared, file, agreed, run, pooled, made=made, keyring=folder.keyring_path(out, file.deidentify.keyring))
    return Federated(out, run, pooled)


def _empty(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        raise Refused("the folder holds something else", where=str(out), do="give another --out, or empty the folder")


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place at the end: a run that was stopped leaves nothing that looks like a result."""
    place = out.with_name(f".{out.name}.new")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
        if out.exists():
            out.rmdir()
        place.rename(out)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def columns_of(agreed: Plan) -> str:
    """Digest of the columns that each site's features must have."""
    return canonical.digest(list(agreed.fits[agreed.main].columns))


def _run(agreed: Plan, studies: Mapping[str, Study], out: Path, rounds: int | None, engine: str, quiet: bool) -> Federation:
    made = all(study.file.made for study in studies.values())
    if engine == "flare":
        from bedside.federate.flare import simulate

        return simulate(agreed, {name: study.root for name, study in studies.items()}, out, rounds=rounds, made=made,
                        columns=columns_of(agreed), site=EXECUTOR)  # fmt: skip
    if engine != "in-process":
        raise Misconfigured(f"no engine called {engine!r}", where="--engine", do="choose in-process or flare")
    transport = InProcess([_open(name, study, agreed) for name, study in studies.items()])
    tell = (lambda _: None) if quiet else say
    return Coordinator(agreed, transport, rounds=rounds, made=made, say=tell).federate(columns_of(agreed), out / "bundles" / "model")


def _open(name: str, study: Study, agreed: Plan) -> Site:
    with _at(name):
        return open_site(study.root, agreed)


@contextmanager
def _at(site: str) -> Iterator[None]:
    """What goes wrong at a site is told with its name: files of all sites are called the same."""
    try:
        yield
    except BedsideError as error:
        raise type(error)(error.what, where=f"site {site}, {error.where}", do=error.do) from error


def export(shared: Path, sites: Sequence[str], into: Path, *, rounds: int | None = None) -> Path:
    """Write an NVIDIA FLARE job for real sites; their names are those that FLARE knows them by. Nothing is run."""
    from bedside.federate.flare import job

    file = load(shared, shared=True)
    agreed = plan_of(file)
    if len(set(sites)) < 2:
        raise Misconfigured("a federated fit takes at least two sites", where="--sites", do="name two or more, as FLARE knows them")
    return job(agreed, sites, into, rounds=rounds, made=file.made, columns=columns_of(agreed), site=EXECUTOR)


def collected(shared: Path, work: Path, *, out: Path) -> Federated:
    """Write `out` from what a FLARE server left: the same as `federate` would have, without the sites' files."""
    from bedside.federate.flare import collect, unpack

    _empty(out)
    file = load(shared, shared=True)
    agreed, run = plan_of(file), collect(work)
    if run.plan != agreed.digest:
        raise Refused("this result is of another study.toml", where=str(work), do="give the study.toml that the job was made from")
    with _whole(out) as place:
        unpack(run, place / "bundles" / "model")
        write(place, shared, file, agreed, run, None, made=file.made, keyring=folder.keyring_path(out, file.deidentify.keyring))
    return Federated(out, run, None)


# --- what sites must share ---------------------------------------------------------------------------


def _opened(sites: Sequence[Path]) -> dict[str, Study]:
    """Studies by the name of their site; every name once."""
    studies: dict[str, Study] = {}
    for path in sites:
        with _at(path.name):
            study = Study(path)
        name = study.file.site
        if name in studies or not name.replace("-", "").replace("_", "").isalnum():
            raise Misconfigured(f"two sites are called {name!r}, or the name is no plain word", where=f"{path.name}/study.toml, site", do="give each site its own name")
        studies[name] = study
    if len(studies) < 2:
        raise Misconfigured("a federated fit takes at least two sites", where="--sites", do="name the folders of two or more")
    return dict(sorted(studies.items()))


def _same(file: StudyFile, studies: Mapping[str, Study]) -> None:
    """`Refused` with every part in which a site's task, model or seed is another."""
    told = [
        f"{name}: {', '.join(differing)}"
        for name, study in studies.items()
        if (differing := [path for part in ("task", "model", "seed")
                          for path in _differing(msgspec.to_builtins(getattr(file, part)), msgspec.to_builtins(getattr(study.file, part)), part)])
    ]  # fmt: skip
    if told:
        raise Refused("sites do not ask the same: " + "; ".join(told), where="study.toml of these sites", do="copy [task], [model] and seed from the shared study.toml")


def _differing(ours: object, theirs: object, path: str) -> list[str]:
    """Dotted names of all parts that are not equal."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(ours.keys() | theirs.keys())
        return [one for key in keys for one in _differing(ours.get(key), theirs.get(key), f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [one for place, (a, b) in enumerate(zip(ours, theirs, strict=True)) for one in _differing(a, b, f"{path}[{place}]")]
    return [] if ours == theirs else [path]


def _may_pool(studies: Mapping[str, Study], asked: bool) -> None:
    private = [name for name, study in studies.items() if not study.file.made and study.file.deidentify.policy != "as-received"]
    if asked and private:
        raise Refused(f"test predictions of {', '.join(private)} may not be put together with others'", where="--pool-test",
                      do="leave it out: sites' figures and summed counts are told without it")  # fmt: skip
