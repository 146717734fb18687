"""The other pillars of `bedside demo`: one small made study each, written and run like any study.

In        a folder name that the pillars' studies stand beside
Out       each study that was run, or what to type for the extra it needs
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from bedside.core.errors import Refused
from bedside.core.extras import lacking, line_to_type
from bedside.core.ids import keyed
from bedside.core.progress import say
from bedside.core.registry import Registry
from bedside.study.study import Ran, Study

_MADE_KEY = b"bedside demo: not a secret, because no patient is real"


class Piece(msgspec.Struct, frozen=True):
    """One pillar's demo: the extra it needs, and what it shows."""

    extra: str
    shows: str


class Shown(msgspec.Struct, frozen=True):
    """What came of one pillar's demo: its study and report, or why it was not run and what to type."""

    pillar: str
    study: str | None
    report: str | None
    steps: list[Ran]
    do: str | None = None


PIECES: dict[str, Piece] = {
    "imaging": Piece("imaging", "made volumes in DICOM, a small network that outlines what is in them"),
    "text": Piece("text", "made notes, a tagger that finds what is said in them"),
    "molecules": Piece("molecules", "molecules with a property, a model that says where it may be believed"),
    "federated": Piece("risk", "three made hospitals, one model, no patient's row that leaves a site"),
}
WRITERS: Registry[Callable[..., None]] = Registry("pillar", {
    "imaging": "bedside.demo.images:write",
    "text": "bedside.demo.notes_study:write",
    "molecules": "bedside.demo.molecules:write",
    "federated": "bedside.demo.federated:write",
})  # fmt: skip
_RESULT = "federated"


def show_pillar(name: str, out: Path, *, seed: int = 1, quiet: bool = False) -> Shown:
    """Write and run the demo of one pillar in `out`; what an equal call made is kept. Without its extra nothing is made."""
    piece = PIECES[name]
    if absent := lacking(piece.extra):
        return Shown(name, None, None, [], f"{line_to_type(piece.extra)}   ({', '.join(absent)} not installed)")
    mark = f"# Made by `bedside demo`: {name}, seed = {seed}\n"
    if not (out / "study.toml").exists():
        if out.exists() and any(out.iterdir()):
            raise Refused("the folder holds something else", where=str(out), do="give another --out, or empty the folder")
        if not quiet:
            say(f"\n{name}: {piece.shows}")
        WRITERS.get(name)(out, seed=seed)
        path = out / "study.toml"
        path.write_text(mark + path.read_text(encoding="utf-8"), encoding="utf-8")
    elif not (out / "study.toml").read_text(encoding="utf-8").startswith(mark):
        raise Refused("the folder holds a demo made with other options", where=str(out), do="give another --out, or empty the folder")
    if name == "federated":
        return _federated(out, quiet)
    study = with_made_keyring(Study(out), f"{name} {seed}")
    return Shown(name, str(study.root), str(study.root / "reports" / "test.html"), study.run(quiet=quiet))


def _federated(out: Path, quiet: bool) -> Shown:
    """The made sites, each a study of its own, fitted together in this process; a result that is there is kept."""
    from bedside.study.federate import federate

    sites = sorted(path for path in (out / "sites").iterdir() if (path / "study.toml").is_file())
    result = out / _RESULT
    if not (result / "ledger").exists():
        federate(out / "study.toml", sites, out=result, pool_test=True, quiet=quiet)
    return Shown("federated", str(result), str(result / "reports" / "federated.html"), [])


def with_made_keyring(study: Study, seed: str) -> Study:
    """The study with a keyring that follows from the seed, so that the same call gives the same study; marked as made."""
    from bedside.deidentify.keyring import Keyring

    if not study.keyring_path().exists() and not (study.root / "ledger").exists():
        Keyring.create(study.keyring_path(), seed=keyed(_MADE_KEY, seed), made=True)
    return study
