"""The same run over NVIDIA FLARE: a job folder for real sites, and FLARE's simulator for this machine.

In        a plan and the names of the sites; for the simulator their study folders
Out       a job folder (`job`), or the `Federation` that the job's server wrote (`simulate`, `collect`)
Same      the coordinator runs inside FLARE's server and the site behind FLARE's client (`flare_server.py`, and the executor that the caller
          names): FLARE carries bytes that the channel has checked, and nothing else of ours crosses.
Standard  NVIDIA FLARE 2.9 job configuration, format version 2. Real sites: docs/federate.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bedside.core import errors
from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.core.lazy import need
from bedside.core.task import AnyTask
from bedside.federate.plan import Plan, plan
from bedside.federate.records import Federation

TASK, MESSAGE = "bedside", "message"
RESULT, FAULT = "federation.msgpack", "fault.json"
CONTROLLER = "bedside.federate.flare_server.BedsideController"
SITE_FILE = "bedside.json"
_SECONDS_BESIDE_ROUNDS = 900


class Fault(msgspec.Struct, frozen=True):
    """An error of the server's side, as it is told to whoever started the job."""

    kind: str
    what: str
    where: str
    do: str


def job(agreed: Plan, sites: Sequence[str], folder: Path, *, rounds: int | None, made: bool, columns: str,
        site: str, studies: Mapping[str, Path] | None = None) -> Path:  # fmt: skip
    """Write a job folder, where there is none yet.

    site      the executor's class, as FLARE is to load it
    studies   where each site's study lies, for the simulator alone; a real site says it in local/bedside.json of its own FLARE folder
    """
    if folder.exists():
        raise Misconfigured("there is a job already", where=str(folder), do="choose another folder")
    names = sorted(sites)
    server = {"plan": told(agreed), "rounds": rounds, "made": made, "columns": columns, "sites": names}
    meta = {"name": "bedside", "resource_spec": {}, "min_clients": len(names), "mandatory_clients": [],
            "deploy_map": {"app_server": ["server"], **{f"app_{name}": [name] for name in names}}}  # fmt: skip
    _json(folder / "meta.json", meta)
    _json(folder / "app_server" / "config" / "config_fed_server.json",
          {"format_version": 2, "task_data_filters": [], "task_result_filters": [], "components": [],
           "workflows": [{"id": "bedside", "path": CONTROLLER, "args": server}]})  # fmt: skip
    for name in names:
        own = {"study": str(studies[name].resolve())} if studies else {}
        _json(folder / f"app_{name}" / "config" / "config_fed_client.json",
              {"format_version": 2, "task_data_filters": [], "task_result_filters": [], "components": [],
               "executors": [{"tasks": [TASK], "executor": {"path": site, "args": own}}]})  # fmt: skip
    return folder


def simulate(agreed: Plan, studies: Mapping[str, Path], out: Path, *, rounds: int | None, made: bool, columns: str,
             site: str) -> Federation:  # fmt: skip
    """Run the job in FLARE's simulator: a server and a process a site, on loopback; the bundle lies at out/bundles/model."""
    import tempfile

    need("nvflare", extra="federate")
    with tempfile.TemporaryDirectory(prefix="bedside-flare-") as beside:
        top = Path(beside)
        made_job = job(agreed, list(studies), top / "job", rounds=rounds, made=made, columns=columns, site=site, studies=studies)
        _json(top / "work" / "local" / "resources.json", {"format_version": 2, "class_allow_list": [CONTROLLER, site]})
        command = [sys.executable, "-m", "nvflare.private.fed.app.simulator.simulator", str(made_job), "-w", str(top / "work"),
                   "-c", ",".join(sorted(studies)), "-t", str(len(studies)), "-l", "WARNING"]  # fmt: skip
        limit = _SECONDS_BESIDE_ROUNDS + agreed.options.timeout_s * ((rounds or agreed.options.rounds) + 4)
        ended = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False, cwd=top)
        found = collect(top / "work", ended.returncode)
    unpack(found, out / "bundles" / "model")
    return found


def collect(work: Path, code: int = 0) -> Federation:
    """The run that a FLARE server left under a folder; the server's error is raised here as what it was."""
    for path in work.rglob(FAULT):
        fault = msgspec.json.decode(path.read_bytes(), type=Fault)
        raise getattr(errors, fault.kind)(fault.what, where=f"FLARE server, {fault.where}", do=fault.do)
    results = sorted(work.rglob(RESULT))
    if not results:
        raise Unusable(f"FLARE ended with code {code} and left no result", where="NVIDIA FLARE", do="look into the logs of server and sites")
    return msgspec.msgpack.decode(results[-1].read_bytes(), type=Federation)


def unpack(run: Federation, place: Path) -> None:
    """The bundle of a run, as the folder that its server sealed; `Refused` when it is not."""
    from bedside.bundle.sealed import Sealed

    for name, data in run.files.items():
        path = (place / name).resolve()
        if place.resolve() not in path.parents:
            raise Refused("a file of the bundle would lie outside it", where=place.name, do="do not trust this result")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if Sealed.open(place).digest != run.bundle:
        raise Refused("the bundle is not the one that the run names", where=place.name, do="do not trust this result")


def told(agreed: Plan) -> str:
    """A plan as text: FLARE looks for components of its own in whatever is nested in a configuration."""
    return msgspec.json.encode({"kind": agreed.kind, "task": agreed.task, "model": dict(agreed.model), "seed": agreed.seed}).decode()


def agreed_from(text: str) -> Plan:
    """The plan that `told` told."""
    plain: dict[str, Any] = msgspec.json.decode(text)
    return plan(plain["kind"], msgspec.convert(plain["task"], AnyTask), plain["model"], plain["seed"])


def _json(path: Path, record: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1), encoding="utf-8")
