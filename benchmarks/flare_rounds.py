"""NVIDIA FLARE against the loop in one process: the same weights, over the simulator and over provisioned mTLS start-up kits.

    .venv/bin/python benchmarks/flare_rounds.py [--seeds 1,2,3,4,5] [--rounds 3] [--mtls | --vanish]

Each seed  three made hospitals (bedside.demo.federated); `federate` in one process, then by FLARE's simulator (a server and a process a site)
--mtls     instead: `nvflare provision` makes start-up kits with a certificate authority of their own; a server and three clients start from
           them on loopback (mutual TLS); the job that `bedside federate --job` wrote is submitted and its result downloaded and collected.
           Each client finds its study in local/bedside.json of its kit, as a real site does (docs/federate.md).
--vanish   instead: in the simulator, one site's process ends itself in the middle of the first round; the others go on with the quorum
Prints     the largest difference of any weight, whether the bundles are equal, and wall seconds
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bedside.demo.federated import SITES, write
from bedside.federate.flare import CONTROLLER, simulate
from bedside.federate.records import Federation
from bedside.study.federate import EXECUTOR, STEPS, collected, columns_of, export, federate
from bedside.study.federate_site import plan_of
from bedside.study.study import Study

_PORT, _WAIT_S = 18002, 180
_PROJECT = """api_version: 3
name: bedside_sites
description: three made hospitals
participants:
  - {{name: localhost, type: server, org: coordinator, fed_learn_port: {port}, admin_port: {admin}}}
{sites}
  - {{name: lead@coordinator.org, type: admin, org: coordinator, role: project_admin}}
builders:
  - path: nvflare.lighter.impl.workspace.WorkspaceBuilder
    args: {{template_file: [master_template.yml]}}
  - path: nvflare.lighter.impl.static_file.StaticFileBuilder
    args: {{config_folder: config}}
  - path: nvflare.lighter.impl.cert.CertBuilder
  - path: nvflare.lighter.impl.signature.SignatureBuilder
"""


def difference(one: Federation, other: Federation) -> float:
    return max(float(np.abs(np.subtract(one.state[name], other.state[name])).max(initial=0.0)) for name in one.state)


def simulated(seed: int, rounds: int, top: Path) -> float:
    """One seed: in one process, then in FLARE's simulator; the largest difference of a weight."""
    runs: list[Federation] = []
    for engine in ("in-process", "flare"):
        root = top / f"{seed}-{engine}"
        write(root, seed=seed)
        began = time.monotonic()
        runs.append(federate(root / "study.toml", [root / "sites" / name for name in SITES], out=root / "out", rounds=rounds, engine=engine, quiet=True).run)
        print(f"  seed {seed} {engine:<11} {time.monotonic() - began:6.1f} s wall with the sites' own steps", flush=True)
    apart = difference(*runs)
    print(f"  seed {seed} largest difference {apart:.1e}, same round states {[r.state for r in runs[0].rounds] == [r.state for r in runs[1].rounds]}", flush=True)
    return apart


def provisioned(rounds: int, top: Path) -> float:
    """Start-up kits, a server and a client a site over mutual TLS, one job."""
    here, there = top / "here", top / "there"
    for root in (here, there):
        write(root)
    for name in SITES:
        Study(there / "sites" / name).run(STEPS, quiet=True)
    job = export(there / "study.toml", list(SITES), top / "job", rounds=rounds)
    kits = _kits(top, there)
    began = time.monotonic()
    running = [_started(kits / "localhost", "server", "localhost", "coordinator")]
    try:
        time.sleep(5)
        running += [_started(kits / name, "client", name, name) for name in SITES]
        work = _submitted(kits / "lead@coordinator.org", job, top / "result")
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=30)
    over = collected(there / "study.toml", work, out=top / "there-out").run
    print(f"  over mutual TLS: {time.monotonic() - began:.1f} s wall from start to result", flush=True)
    alone = federate(here / "study.toml", [here / "sites" / name for name in SITES], out=top / "here-out", rounds=rounds, quiet=True).run
    print(f"  signed by {sum(one.signed is not None for one in over.sites)} of {len(over.sites)} sites")
    return difference(over, alone)


def vanishing(rounds: int, top: Path) -> None:
    """A site's process dies in the first round; the run must end with the others, and tell."""
    root = top / "made"
    write(root)
    for file in (root / "study.toml", *(root / "sites" / name / "study.toml" for name in SITES)):
        file.write_text(file.read_text() + 'on_vanished = "go-on"\nquorum = 0.5\ntimeout_s = 15\n')
    studies = {name: Study(root / "sites" / name) for name in SITES}
    for study in studies.values():
        study.run(STEPS, quiet=True)
    (top / "vanishing.py").write_text(_VANISHING)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(top), *filter(None, [os.environ.get("PYTHONPATH")])])
    agreed = plan_of(studies["north"].file)
    run = simulate(agreed, {name: study.root for name, study in studies.items()}, top / "out", rounds=rounds, made=True, columns=columns_of(agreed),
                   site="vanishing.Vanishing")  # fmt: skip
    for one in run.rounds:
        print(f"  round {one.number + 1}: asked {', '.join(one.asked)}; vanished {', '.join(one.vanished)}")
    for told in run.sites:
        print(f"  {told.site}: signed {told.signed is not None}, did not answer: {', '.join(told.vanished) or 'nothing'}")


_VANISHING = """
import os, msgspec
from bedside.federate.channel import Message
from bedside.study.flare_site import BedsideExecutor

class Vanishing(BedsideExecutor):
    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        told = msgspec.msgpack.decode(shareable["message"], type=Message)
        if fl_ctx.get_identity_name() == "valley" and told.kind == "update":
            os._exit(1)
        return super().execute(task_name, shareable, fl_ctx, abort_signal)
"""


def _kits(top: Path, studies: Path) -> Path:
    """Provision, and do in each kit what its owner does: allow bedside's two classes, and say where the study lies."""
    sites = "\n".join(f"  - {{name: {name}, type: client, org: {name}}}" for name in SITES)
    (top / "project.yml").write_text(_PROJECT.format(port=_PORT, admin=_PORT + 1, sites=sites))
    nvflare = Path(sys.executable).with_name("nvflare")
    subprocess.run([str(nvflare), "provision", "-p", str(top / "project.yml"), "-w", str(top / "kits"), "--force"], check=True, capture_output=True, cwd=top)
    kits = top / "kits" / "bedside_sites" / "prod_00"
    for kit in (kits / name for name in ("localhost", *SITES)):
        resources = json.loads((kit / "local/resources.json.default").read_text())
        resources["class_allow_list"] += [CONTROLLER, EXECUTOR]
        (kit / "local/resources.json").write_text(json.dumps(resources, indent=1))
    for name in SITES:
        (kits / name / "local/bedside.json").write_text(json.dumps({"study": str((studies / "sites" / name).resolve())}))
    return kits


def _started(kit: Path, side: str, name: str, org: str) -> subprocess.Popen[bytes]:
    """What startup/start.sh of the kit runs, as a child of ours."""
    who = [] if side == "server" else [f"uid={name}"]
    command = [sys.executable, "-u", "-m", f"nvflare.private.fed.app.{side}.{side}_train", "-m", str(kit), "-s", f"fed_{side}.json",
               "--set", "secure_train=true", *who, f"org={org}", "config_folder=config"]  # fmt: skip
    with (kit / "out.txt").open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=kit)


def _submitted(kit: Path, job: Path, result: Path) -> Path:
    """Submit as the kit's owner, wait, download."""
    from nvflare.fuel.flare_api.flare_api import new_secure_session

    session = new_secure_session("lead@coordinator.org", str(kit), timeout=60)
    try:
        until = time.monotonic() + _WAIT_S
        while len(session.get_system_info().client_info) < len(SITES) and time.monotonic() < until:
            time.sleep(1)
        number = session.submit_job(str(job))
        ended = session.monitor_job(number, timeout=_WAIT_S)
        print(f"  job {number}: {ended}", flush=True)
        return Path(session.download_job_result(number, str(result)))
    finally:
        session.close()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--seeds", default="1,2,3,4,5")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--mtls", action="store_true")
    asked.add_argument("--vanish", action="store_true")
    told = asked.parse_args()
    with tempfile.TemporaryDirectory() as beside:
        if told.vanish:
            return vanishing(told.rounds, Path(beside))
        if told.mtls:
            print(f"largest difference between mutual TLS and one process: {provisioned(told.rounds, Path(beside)):.1e}")
            return
        apart = [simulated(int(seed), told.rounds, Path(beside)) for seed in told.seeds.split(",")]
    print(f"largest difference over {len(apart)} seeds, {told.rounds} rounds: {max(apart):.1e} (asked: at most 1e-6)")


if __name__ == "__main__":
    main()
