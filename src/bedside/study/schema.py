"""The JSON Schema of study.toml, for editors: made from the records that decode it, shipped as study.schema.json."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from bedside.study.config import StudyFile

NAME = "study.schema.json"


def made() -> bytes:
    """The schema as the records have it now. What the pillar decodes ([model]) is open here."""
    told = msgspec.json.schema(StudyFile, schema_hook=lambda _: {"description": "any value"})
    told["$defs"]["Task"]["required"].remove("kind")  # a task that names no kind is of kind risk
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "bedside study.toml", **told}
    return msgspec.json.format(msgspec.json.encode(whole, order="deterministic"), indent=1) + b"\n"


def shipped() -> bytes:
    return files("bedside.study").joinpath(NAME).read_bytes()
