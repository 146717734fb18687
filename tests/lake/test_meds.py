"""The lake is a MEDS dataset: the `meds` package itself says so, strictly, of the files as they lie on disk."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from tests.lake.told import fact, reading

from bedside.lake import meds_schema
from bedside.lake.store import Lake, write

pa = pytest.importorskip("pyarrow")
meds = pytest.importorskip("meds")
pq = pytest.importorskip("pyarrow.parquet")


def valid(lake: Path) -> None:
    """Validate every MEDS file of a lake, without aligning anything first."""
    for shard in Lake(lake).shards:
        meds.DataSchema.validate(pq.read_table(shard))
    meds.CodeMetadataSchema.validate(pq.read_table(lake / meds.code_metadata_filepath))
    meds.SubjectSplitSchema.validate(pq.read_table(lake / meds.subject_splits_filepath))
    meds.DatasetMetadataSchema.validate(json.loads((lake / meds.dataset_metadata_filepath).read_bytes()))


def test_a_written_lake_is_valid_to_the_letter(tmp_path: Path) -> None:
    write(
        [reading("a", fact(1, None, "SEX//male", None), fact(1, 3), fact(2, 4, "RXNORM//161//ordered", text_value="x"))],
        tmp_path / "lake",
        name="t",
    )
    valid(tmp_path / "lake")


def test_every_code_of_the_data_stands_in_the_code_table_with_its_parent(tmp_path: Path) -> None:
    write(
        [reading("a", fact(1, 3), fact(1, 4, "RXNORM//161//ordered"), fact(1, 4, "RXNORM//161//ordered"))],
        tmp_path / "lake",
        name="t",
        descriptions={"LOINC//2524-7": "Lactate"},
    )
    assert Lake(tmp_path / "lake").codes().rows() == [
        ("LOINC//2524-7", "Lactate", None, 1, 1),
        ("RXNORM//161//ordered", None, ["RXNORM//161"], 2, 1),
    ]


EVENTS = {
    **{"subject_id": pa.int64(), "time": pa.timestamp("us"), "code": pa.string(), "numeric_value": pa.float32()},
    **{"text_value": pa.large_string(), "known_at": pa.timestamp("us"), "status": pa.string(), "utc_offset_min": pa.int16()},
    **{"lexeme": pa.string(), "unit": pa.string(), "encounter_id": pa.string(), "source": pa.string()},
}
CODES = {"code": pa.string(), "description": pa.string(), "parent_codes": pa.list_(pa.string())}
COUNTS = {"events": pa.int64(), "subjects": pa.int64()}
SPLITS = {"subject_id": pa.int64(), "split": pa.string()}


@pytest.mark.parametrize(
    ("told", "fields"), [(meds_schema.EVENTS, EVENTS), (meds_schema.CODES, CODES | COUNTS), (meds_schema.SPLITS, SPLITS)]
)
def test_a_ready_made_schema_says_what_pyarrow_would_say(told: str, fields: dict[str, object]) -> None:
    assert pa.ipc.read_schema(pa.py_buffer(base64.b64decode(told))) == pa.schema(list(fields.items()))
