"""Contract 3, the bundle's manifest: what a sealed model folder says of itself.

manifest.json   this record, canonical JSON
and the files it lists by SHA-256: weights (LightGBM text, ONNX, safetensors or JSON; never pickle), features.json,
reference.json (the sketch that monitoring compares with), card.json. The bundle's own digest is that of manifest.json.
"""

from __future__ import annotations

import msgspec

SCHEMA_NAME = "bedside.bundle/1"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sealed model: which runner opens it, what it was fitted on, and the digest of every file."""

    schema: str
    name: str
    runner: str
    runner_version: str
    task: dict[str, object]
    thresholds: dict[str, float]
    training: dict[str, str]
    files: dict[str, str]
    made: bool = False
