"""What all sites of a run have agreed on, and what may therefore cross: one record for both sides of the door.

In        the shared task, model and seed
Out       a `Plan`: its digest, the fits, and the rules of each kind of message
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

import msgspec

from bedside.core import canonical
from bedside.core.errors import Misconfigured, Refused
from bedside.core.federable import Federable, FederablePillar, Federated, Shape
from bedside.core.registry import Registry
from bedside.core.task import AnyTask
from bedside.evaluate.figures import name as figure
from bedside.federate.accountant import LEAST_NOISE, MOST_NOISE
from bedside.federate.channel import Kind, Rules

PILLARS: Registry[FederablePillar] = Registry("federable kind of task", {"risk": "bedside.pillars.risk.federable:FEDERABLE"})
MOST_SITES, GROUPS, THRESHOLDS, BINS = 64, 50, 8, 10
# Bounds far outside of sense: a slip is told before a round begins.
_BOUNDS: dict[str, tuple[float, float]] = {
    "rounds": (1, 1_000_000), "local_steps": (1, 1_000_000), "batch_rows": (0, 1_000_000_000), "proximal": (0, 1e9), "folds": (0, 1_000),
    "least_subjects": (1, 1_000_000_000), "least_cell": (1, 1_000_000_000),
}  # fmt: skip
_DIGEST, _RECEIPT = 64, 1 << 20
_RANKS = ("auroc", "auprc", "base_rate")
_PROMISES = ("in_the_large", "slope", "observed_to_expected", "brier", "mean_error")
_SCORES = ("news2", "qsofa")  # what clinicians use today stands beside the model where the site's features allow it
_SHARES = ("sensitivity", "specificity", "ppv", "npv", "alert_share")
SIZES = ("rows", "subjects", "rows_with_outcome", "subjects_with_outcome", "outcome_told")


@dataclass(frozen=True)
class Plan:
    """The task, the model and the seed, as every site has them in its study.toml."""

    kind: str
    task: Any
    model: Mapping[str, object]
    seed: int
    thresholds: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Equal at all sites, or they do not fit the same model."""
        return canonical.digest([self.task, dict(self.model), self.seed])

    @cached_property
    def pillar(self) -> FederablePillar:
        """`Refused` where models of this kind cannot go over sites."""
        if self.kind not in PILLARS:
            raise Refused(f"no model for a task of kind {self.kind!r} is declared federable, and rows are never pooled instead",
                          where="[task] kind", do=f"train it at one site, or choose a task of kind {', '.join(PILLARS)}")  # fmt: skip
        return PILLARS.get(self.kind)

    @cached_property
    def options(self) -> Federated:
        return self.pillar.options(self.model)

    @cached_property
    def fits(self) -> dict[str, Federable]:
        """A fit for each output, the model's own first; each must keep the guarantee that is asked for."""
        found = self.pillar.fits(self.task, self.model, self.seed)
        asked = self.options.privacy
        lacking = [name for name, fit in found.items() if asked is not None and asked.unit not in fit.covers]
        if asked is not None and lacking:
            raise Refused(f"updates of {', '.join(lacking)} cannot keep a guarantee for each {asked.unit}", where="[model.federated.privacy]",
                          do="take a model that can (logistic), or leave privacy out and say so")  # fmt: skip
        return found

    @property
    def members(self) -> int:
        return self.options.folds + 1

    @property
    def main(self) -> str:
        return next(iter(self.fits))

    @property
    def lines(self) -> tuple[str, ...]:
        """The alert thresholds that are told of, by name."""
        return self.thresholds[:THRESHOLDS]

    @property
    def figures(self) -> list[str]:
        """Names of the figures of a site's test that may leave it, in their order."""
        counts = [figure(one) for one in ("predictions", "subjects", "events")]
        ranks = [figure(output, rank) for output in (*self.fits, *_SCORES) for rank in _RANKS]
        shares = [figure(self.main, "at", name, share) for name in self.lines for share in _SHARES]
        return counts + ranks + [figure(self.main, promise) for promise in _PROMISES] + shares

    def from_site(self) -> dict[Kind, Rules]:
        """What a site may send, by kind."""
        shapes = {output: fit.shapes(MOST_SITES) for output, fit in self.fits.items()}
        sums = {f"{output}/{name}": shape for output, each in shapes.items() for name, shape in each.summary.items()}
        updates = {f"{output}/{name}": shape for output, each in shapes.items() for name, shape in each.update.items()}
        groups = {f"{output}/groups": Shape((GROUPS, 3)) for output in shapes}
        columns = len(self.fits[self.main].columns)
        return {
            "statistics": Rules({"size": Shape((len(SIZES),)), "members": Shape((self.members,)), **sums}, told={"cohort": _DIGEST}),
            "update": Rules(updates),
            "summary": Rules({**groups, "histograms": Shape((columns, BINS))}),
            "figures": Rules({"figures": Shape((len(self.figures), 4)), "counts": Shape((THRESHOLDS, 4))}),
            "receipt": Rules(told={"receipt": _RECEIPT, "public_key": _DIGEST, "signature": 2 * _DIGEST}),
            "no": Rules(told={"reason": 20}),
        }

    def to_site(self) -> dict[Kind, Rules]:
        """What a site may be sent, by kind."""
        states = {f"{output}/{name}": shape for output, fit in self.fits.items() for name, shape in fit.shapes(MOST_SITES).state.items()}
        columns = len(self.fits[self.main].columns)
        return {
            "join": Rules(told={"plan": _DIGEST, "columns": _DIGEST}),
            "update": Rules(states),
            "summary": Rules({**states, "edges": Shape((columns, BINS - 1))}),
            "test": Rules(files=True, told={"bundle": _DIGEST}),
            "receipt": Rules(told={"bundle": _DIGEST}),
        }


def plan(kind: str, task: Any, model: Mapping[str, object], seed: int) -> Plan:
    """A plan, checked: `Refused` for a model that is not federable, `Misconfigured` for options that make no sense."""
    lines = model.get("thresholds", {"alert": ""})
    whole = msgspec.convert(msgspec.to_builtins(task), AnyTask)  # a default written 18 and a declared 18.0 are one number
    made = Plan(kind, whole, model, seed, tuple(sorted(lines)) if isinstance(lines, Mapping) else ())
    _check(made.options)
    made.fits  # noqa: B018 (refuses here rather than at the sites)
    return made


def _check(options: Federated) -> None:
    wrong = [(f"{name} must lie between {low:g} and {high:,.10g}", not low <= getattr(options, name) <= high) for name, (low, high) in _BOUNDS.items()]
    wrong += [
        ("learning_rate must be above 0", not 0 < options.learning_rate < inf), ("folds must be 0, or 2 and more", options.folds == 1),
        ("quorum must be above 0 and at most 1", not 0 < options.quorum <= 1), ("timeout_s must be above 0", not 0 < options.timeout_s < inf),
        ("largest_update must be above 0", not 0 < options.largest_update < inf),
    ]  # fmt: skip
    if privacy := options.privacy:
        wrong += [(f"privacy.noise must be above 0, and lie between {LEAST_NOISE:g} and {MOST_NOISE:,.0f}", not LEAST_NOISE <= privacy.noise <= MOST_NOISE),
                  ("privacy.clip must be above 0", not 0 < privacy.clip < inf), ("privacy.share must be above 0 and at most 1", not 0 < privacy.share <= 1),
                  ("privacy.share is for unit patient only", privacy.unit == "site" and privacy.share != 1),
                  ("privacy.delta must be between 0 and 1", not 0 < privacy.delta < 1),
                  ("with privacy, folds must be 0: calibration and thresholds would need further noise", options.folds > 0)]  # fmt: skip
    told = [text for text, fault in wrong if fault]
    if told:
        raise Misconfigured("; ".join(told), where="study.toml, [model.federated]", do="correct the values")


def under(output: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays of one output under names that say so."""
    return {f"{output}/{name}": array for name, array in arrays.items()}


def within(output: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of one output, by their own names."""
    return {name.removeprefix(f"{output}/"): array for name, array in arrays.items() if name.startswith(f"{output}/")}
