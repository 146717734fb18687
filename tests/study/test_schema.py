"""The shipped JSON Schema is that of the records which decode study.toml."""

from __future__ import annotations

import json

from bedside.study import schema


def test_the_shipped_schema_is_current():
    assert schema.shipped() == schema.made(), "run scripts/make_schema.py"


def test_the_schema_knows_every_table_of_study_toml():
    assert {"source", "task", "deidentify", "model", "claims"} <= set(
        json.loads(schema.shipped())["$defs"]["StudyFile"]["properties"]
    )
