"""The card sealed into a bundle of molecules: what the fit itself knows. What only people know is left to the dossier."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bedside.bundle.runners.molecules_graph import rdkit_version
from bedside.bundle.runners.molecules_interval import BANDS, EDGES
from bedside.core.pillar import Lines, Material
from bedside.pillars.molecules.options import ModelOptions


def card(material: Material, molecules: int, options: ModelOptions, rows: Mapping[str, int], lines: Mapping[str, Lines]) -> dict[str, object]:
    """Plain JSON values: targets, counts, learner, standard form, domain, and what the bundle holds of its compounds."""
    task = material.task
    return {
        "schema": "bedside.card/1", "name": task.name, "made": material.made, "learner": options.kind, "unit": task.unit,
        "targets": msgspec.to_builtins(task.targets), "development": {"molecules": molecules, "measurements": dict(rows)},
        "options": msgspec.to_builtins(options), "standard": msgspec.to_builtins(task.standard), "rdkit": rdkit_version(),
        "thresholds": {target: one.serving for target, one in lines.items()}, "beside": list(options.beside), "coverage": options.coverage,
        "domain": {"similarity": "Tanimoto, Morgan radius 2, 2048 bits, to the nearest development compound", "bands": list(BANDS), "edges": list(EDGES)},
        "fitting": "each fold of whole scaffolds left out once; calibration, intervals and thresholds are of molecules that no member learned from",
        "holds": "a fingerprint of every development compound: whoever has the bundle can tell whether a compound was among them",
        "use": "research: ranks and flags compounds; says nothing about a patient",
    }  # fmt: skip
