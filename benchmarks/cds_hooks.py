"""How fast is a card? POST of patient-view with 50 Observations to the real server on the loopback.

Run       python benchmarks/cds_hooks.py [--seconds 4] [--bundle FOLDER]
Target    p50 below 2 ms at one connection, p99 below 50 ms at 16 (one worker, one core)
Method    the server in a process of its own; keep-alive connections in another; each request waits for its answer.
          Without --bundle ten LightGBM models of 80 trees with 7 leaves, as the risk pillar fits by default, are sealed for it.
Load      on a busy machine read the processor time of a request, and run again when it is quiet.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from bedside.bundle.calibration import Calibration
from bedside.bundle.scorer import Scorer
from bedside.bundle.store import Bundle, seal
from bedside.cohort.features import FeatureSet
from bedside.core.task import Features, Outcome, Prediction, Signal, Task

SIGNALS = {
    "heart_rate": ("8867-4", "/min", 88.0), "respiratory_rate": ("9279-1", "/min", 22.0),
    "oxygen_saturation": ("59408-5", "%", 94.0), "temperature": ("8310-5", "Cel", 38.1),
    "systolic_bp": ("8480-6", "mm[Hg]", 105.0), "diastolic_bp": ("8462-4", "mm[Hg]", 60.0),
    "lactate": ("2524-7", "mmol/L", 2.2), "creatinine": ("2160-0", "mg/dL", 1.3), "leucocytes": ("6690-2", "10*3/uL", 14.0),
    "platelets": ("777-3", "10*3/uL", 180.0),
}  # fmt: skip
P50_MS_ALONE, P99_MS_AT_16 = 2.0, 50.0
SERVER = """
import sys
from pathlib import Path
from bedside.serve.run import run
run(Path(sys.argv[1]), "127.0.0.1", 0, replay=True, announce_json=True)
"""
MEMBERS, TREES, LEAVES = 10, 80, 7


def random_bundle(folder: Path) -> Path:
    """Members that learned next to nothing: their cost is that of any others."""
    features = Features(signals=[Signal(name, [f"LOINC//{code}"], unit=unit) for name, (code, unit, _) in SIGNALS.items()])
    names, chance = FeatureSet(features).names, np.random.default_rng(1)
    matrix, label = chance.normal(100, 30, (4000, len(names))), chance.random(4000) < 0.1
    weights = {f"member-{number:02}.txt": _member(matrix, label, number) for number in range(MEMBERS)}
    main = Scorer("lightgbm", weights, names, names, calibration=Calibration("platt"), where="benchmark")
    task = Task("benchmark", Outcome("nothing", ["LOCATION//ICU"]), features, Prediction())
    seal(folder, name="benchmark", main=main, beside={}, task=task, thresholds={"alert": 0.2}, training={}, reference={}, card={},
         made=True)  # fmt: skip
    return folder


def _member(matrix: np.ndarray, label: np.ndarray, seed: int) -> bytes:
    settings = {"objective": "binary", "num_leaves": LEAVES, "min_data_in_leaf": 50, "verbose": -1, "num_threads": 1, "seed": seed}
    return lightgbm.train(settings, lightgbm.Dataset(matrix, label), TREES).model_to_string().encode()


def body(bundle: Bundle, observations: int = 50) -> bytes:
    """A request with that many observations, of the codes that the bundle reads."""
    codes = sorted(code.removeprefix("LOINC//") for code in bundle.features.codes if code.startswith("LOINC//"))
    known = {code: (unit, value) for code, unit, value in SIGNALS.values()}
    entries = [
        {"resource": _observation(codes[at % len(codes)], *known.get(codes[at % len(codes)], (None, 1.0)), at)}
        for at in range(observations)
    ]
    kind = bundle.task.prediction.start_codes[0].split("//")[1]
    prefetch = {
        "patient": {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1950-01-02"},
        "encounter": {"resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": kind},
                      "subject": {"reference": "Patient/p"}, "period": {"start": "2026-03-08T00:00:00Z"}},
        "observations": {"resourceType": "Bundle", "type": "searchset", "total": observations, "entry": entries},
    }  # fmt: skip
    asked = {"hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
             "context": {"userId": "Practitioner/1", "patientId": "p"}, "prefetch": prefetch,
             "extension": {"bedside.prediction-time": "2026-03-08T12:00:00Z"}}  # fmt: skip
    return json.dumps(asked).encode()


def _observation(code: str, unit: str | None, value: float, at: int) -> dict[str, Any]:
    when = f"2026-03-08T{1 + at % 11:02}:{at:02}:00Z"
    category = {
        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
        "code": "vital-signs",
        "display": "Vital Signs",
    }
    return {
        "resourceType": "Observation", "id": f"o{at}", "status": "final", "effectiveDateTime": when, "issued": when,
        "category": [{"coding": [category]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": "A measurement"}], "text": "A measurement"},
        "subject": {"reference": "Patient/p"}, "encounter": {"reference": "Encounter/e"},
        "performer": [{"reference": "Practitioner/1"}],
        "valueQuantity": {"value": value + at / 10, "unit": unit or "1", "code": unit or "1",
                          "system": "http://unitsofmeasure.org"},
        "referenceRange": [{"low": {"value": 60, "unit": unit or "1"}, "high": {"value": 100, "unit": unit or "1"}}],
        "meta": {"lastUpdated": when, "versionId": "1"},
    }  # fmt: skip


@contextmanager
def serving(bundle: Path) -> Iterator[tuple[str, int, int]]:
    with subprocess.Popen([sys.executable, "-c", SERVER, str(bundle)], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            told = json.loads(server.stdout.readline())
            yield told["host"], told["port"], server.pid
        finally:
            server.terminate()


async def load(host: str, port: int, path: str, content: bytes, connections: int, seconds: float) -> list[float]:
    """Milliseconds of every request within the time."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    )
    until = time.perf_counter() + seconds
    told = await asyncio.gather(*(_client(host, port, head + content, until) for _ in range(connections)))
    return sorted(one for each in told for one in each)


async def _client(host: str, port: int, request: bytes, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection(host, port)
    took = []
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        took.append(1000 * (time.perf_counter() - began))
        if b" 200 " not in head[:16]:
            raise SystemExit(f"the service answered {head[:40]!r}")
    writer.close()
    return took


def measure(bundle: Path, seconds: float) -> None:
    opened = Bundle.open(bundle)
    content = body(opened)
    with serving(bundle) as (host, port, pid):
        path = f"/cds-services/{_service(host, port)}"
        asyncio.run(load(host, port, path, content, 1, 1.0))
        print(f"{len(content)} bytes a request, 50 observations, {len(opened.features.names)} features")
        for connections, part, target in ((1, 0.5, P50_MS_ALONE), (16, 0.99, P99_MS_AT_16)):
            before = cpu_seconds(pid)
            took = asyncio.run(load(host, port, path, content, connections, seconds))
            spent = 1000 * (cpu_seconds(pid) - before) / len(took)
            p50, p99 = (took[min(len(took) - 1, int(len(took) * share))] for share in (0.5, 0.99))
            ratio = target / (p50 if part == 0.5 else p99)
            print(f"{connections:3} connections: p50 {p50:7.2f} ms  p99 {p99:7.2f} ms  {len(took) / seconds:5.0f} requests/s"
                  f"  {spent:.2f} ms of CPU each  p{100 * part:.0f} target {target:g} ms, ratio {ratio:.2f}")  # fmt: skip


def cpu_seconds(pid: int) -> float:
    """Processor time of the server so far: the figure that a busy machine changes least."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _service(host: str, port: int) -> str:
    from urllib.request import urlopen

    with urlopen(f"http://{host}:{port}/cds-services") as answer:
        return str(json.load(answer)["services"][0]["id"])


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=4.0)
    options.add_argument("--bundle", type=Path, default=None)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        measure(asked.bundle or random_bundle(Path(place) / "bundle"), asked.seconds)
