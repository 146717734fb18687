"""`bedside demo`: the made hospital, written and run."""

from __future__ import annotations

from pathlib import Path

from bedside.core.errors import Refused
from bedside.core.ids import keyed
from bedside.core.progress import say
from bedside.study.study import Ran, Study

_MADE_KEY = b"bedside demo: not a secret, because no patient is real"


def demo(out: Path, *, patients: int | None = None, seed: int = 1, quiet: bool = False) -> tuple[Study, list[Ran]]:
    """Write a made hospital and its study to `out`, and run it; what is there from an equal call is kept.

    The keyring follows from the seed, so that the same call gives the same study; it is marked as made.
    """
    from bedside.deidentify.keyring import Keyring
    from bedside.demo.hospital import write

    asked = f"patients = {patients or 'all'}, seed = {seed}"
    if not (out / "study.toml").exists():
        if out.exists() and any(out.iterdir()):
            raise Refused("the folder holds something else", where=str(out), do="give another --out, or empty the folder")
        if not quiet:
            say(f"making the hospital ({asked}) ...")
        write(out, patients=patients, seed=seed)
        text = (out / "study.toml").read_text(encoding="utf-8")
        (out / "study.toml").write_text(f"# Made by `bedside demo`: {asked}\n{text}", encoding="utf-8")
    elif not (out / "study.toml").read_text(encoding="utf-8").startswith(f"# Made by `bedside demo`: {asked}\n"):
        raise Refused(
            "the folder holds a demo made with other options", where=str(out), do="give another --out, or empty the folder"
        )
    study = Study(out)
    if not study.keyring_path().exists() and not (out / "ledger").exists():
        Keyring.create(study.keyring_path(), seed=keyed(_MADE_KEY, str(patients), str(seed)), made=True)
    return study, study.run(quiet=quiet)
