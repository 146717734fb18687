"""Sites in memory: made rows under the task of the made hospitals, and a desk that has no study behind it."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from bedside.core import canonical
from bedside.core.federable import Rows
from bedside.core.task import AnyTask
from bedside.demo.federated import _COMMON
from bedside.federate.coordinator import Coordinator
from bedside.federate.plan import Plan, plan
from bedside.federate.receipt import Signed, SiteReceipt, sign
from bedside.federate.records import Federation
from bedside.federate.site import Site, Tested, Who
from bedside.federate.transport import InProcess

SIZES = {"north": 220, "harbour": 140, "valley": 90}
PRIVATE = {"penalty": 10.0, "thresholds": {"alert": "risk=0.3"}}


def planned(*, model: Mapping[str, object] | None = None, federated: Mapping[str, object] | None = None, seed: int = 1) -> Plan:
    """The made hospitals' plan, with other parts of [model] where given."""
    tree = tomllib.loads(_COMMON.format(seed=1))
    tree["task"] = {"kind": "risk", **tree["task"]}
    told = {**tree["model"], "variants": [], **(model or {})}
    told["federated"] = {"rounds": 5, "local_steps": 2, **(federated or {})}
    return plan("risk", msgspec.convert(tree["task"], AnyTask), told, seed)


def rows(agreed: Plan, n: int, seed: int, *, shift: float = 0.0, stays: int = 1) -> Rows:
    """Rows of a made site; `stays` rows a patient."""
    names = agreed.fits[agreed.main].columns
    draw = np.random.default_rng([seed, 7])
    centre, spread = np.linspace(20, 90, len(names)), np.linspace(3, 14, len(names))
    away = draw.normal(shift, 1, (n, len(names)))
    outcome = draw.random(n) < 1 / (1 + np.exp(1.0 - away @ np.linspace(-0.4, 0.9, len(names))))
    matrix = (centre + spread * away).astype(np.float32)
    matrix[draw.random(matrix.shape) < 0.1] = np.nan
    subject = np.arange(n) // stays
    return Rows(matrix, names, outcome, subject, subject % max(agreed.options.folds, 1))


class NoStudy:
    """A desk whose test is made up from the site's name, and whose key is no secret."""

    def __init__(self, name: str, *, key: bytes | None = None) -> None:
        self.name, self.tested, self._key = name, list[str](), key or canonical.digest(name).encode()[:32]

    def test(self, bundle: str, files: Mapping[str, bytes]) -> Tested:
        self.tested.append(bundle)
        return Tested({"test/risk/auroc": (0.75, 0.7, 0.8, 100.0), "test/predictions": (100, float("nan"), float("nan"), 100)},
                      {"alert": (20, 30, 40, 10)}, 100, 30)  # fmt: skip

    def sign(self, receipt: SiteReceipt) -> Signed:
        return sign(receipt, self._key)


def site(name: str, agreed: Plan, own: Rows, *, tap: Callable[[str, bytes], None] | None = None, desk: NoStudy | None = None, key: bytes = b"k" * 32,
         cohort: str = "cohort") -> Site:  # fmt: skip
    return Site(Who(name, "expert-determination", cohort, "code"), agreed, own, desk or NoStudy(name), key=key, tap=tap)


def sites(agreed: Plan, sizes: Mapping[str, int] = SIZES, **more: object) -> list[Site]:
    return [site(name, agreed, rows(agreed, n, place, shift=0.3 * place), **more) for place, (name, n) in enumerate(sizes.items())]


def columns(agreed: Plan) -> str:
    return canonical.digest(list(agreed.fits[agreed.main].columns))


def run(agreed: Plan, transport: object = None, *, out: Path | None = None, rounds: int | None = None) -> Federation:
    """A whole run; the bundle goes where it is asked for, or away."""
    wire = transport if transport is not None else InProcess(sites(agreed))
    with tempfile.TemporaryDirectory() as beside:
        return Coordinator(agreed, wire, rounds=rounds).federate(columns(agreed), (out or Path(beside)) / "model")
