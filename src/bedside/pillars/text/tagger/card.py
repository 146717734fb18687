"""The card sealed into a tagger's bundle: what the fit itself knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bedside.core.task_note import NoteTask
from bedside.pillars.text.corpus.cohort import decode
from bedside.pillars.text.options import CrfOptions, EndpointOptions, ModelOptions, RulesOptions

if TYPE_CHECKING:
    import polars as pl


def card(task: NoteTask, options: ModelOptions, decisions: pl.DataFrame, *, made: bool) -> dict[str, object]:
    """Plain JSON values: what is asked, what it was fitted on, what the weights are."""
    told = msgspec.to_builtins(options)
    return {
        "schema": "bedside.card/1", "name": task.name, "made": made, "learner": told["kind"], "options": told,
        "targets": msgspec.to_builtins(task.asks), "types": task.target_of,
        "development": {"notes": decisions["unit_id"].n_unique(), "subjects": decisions["subject_id"].n_unique(),
                        "spans": {target: sum(len(decode(answer)) for answer in decisions.filter(decisions["target"] == target)["answer"])
                                  for target in (one.name for one in task.asks)}},
        "beside": ["dictionary"], "weights": _weights(options),
    }  # fmt: skip


def _weights(options: ModelOptions) -> str:
    if isinstance(options, CrfOptions):
        return "CRFsuite model files: feature names and weights, data and not code; fitted from the development notes alone"
    if isinstance(options, RulesOptions):
        return "none: the rules are code of this package, and the bundle holds their version"
    if isinstance(options, EndpointOptions):
        return "at the endpoint: the bundle holds address, model name and prompt, and cannot prove which weights answered"
    return "as they were in the local folder: ONNX or safetensors; not fitted here, on data that this study does not know"
