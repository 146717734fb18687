"""`bedside serve`: the study's bundle behind CDS Hooks, its start in the ledger."""

from __future__ import annotations

from pathlib import Path

from bedside.core.errors import Refused
from bedside.core.receipt import Item, Receipt
from bedside.study.folder import policy_name
from bedside.study.study import Study


def serve(root: Path, *, host: str, port: int, log: Path | None = None, replay: bool = False, announce_json: bool = False) -> None:
    """Serve until interrupted. `Refused` when the log would lie inside the study folder."""
    from bedside.bundle.store import Bundle
    from bedside.serve.run import run

    study = Study(root)
    folder = study._made("bundles/model", "train")
    if log is not None and study.root in log.resolve().parents:
        raise Refused("served predictions do not belong in the study folder", where=str(log), do="give --log a path outside it")
    bundle = Bundle.open(folder)
    study.record(
        Receipt("serve", inputs=[Item("bundles/model", bundle.digest)], parameters={"replay": replay, "logged": log is not None})
    )
    run(folder, host, port, policy=policy_name(study.root, study.file.deidentify.policy), replay=replay, log=log, announce_json=announce_json)
